import assert from 'node:assert/strict';
import { answersAsText, failureIn } from '../../../cli/ctl/parts.js';
import { findCommand } from '../../../cli/ctl/table.js';

const both = (name: string, reply: Readonly<Record<string, unknown>>) => {
  const command = findCommand(name)!;
  return [answersAsText(command, reply), failureIn(command, reply)];
};

describe('a reply about several watchers, printed', () => {
  it('is a line for each, or what one alone would be told below its name', () => {
    const replies = { web: { status: 'ok', numprocesses: 2 }, db: { status: 'ok' } };
    assert.deepEqual(both('incr', { status: 'ok', replies }), ['web: 2\ndb: ok\n', undefined]);
    const pids = { web: { status: 'ok', pids: [1, 2] }, db: { status: 'ok', pids: [] } };
    assert.deepEqual(both('list', { status: 'ok', replies: pids }), ['web: 1,2\ndb: \n', undefined]);
    const options = { web: { status: 'ok', options: { a: 1, b: 2 } } };
    assert.deepEqual(both('get', { status: 'ok', replies: options }), ['web:\n  a: 1\n  b: 2\n', undefined]);
    const infos = { web: { status: 'ok', name: 'web', info: { 7: 'No such process (stopped?)' } } };
    assert.deepEqual(both('stats', { status: 'ok', replies: infos }), [
      'web:\n7: No such process (stopped?)\n',
      undefined,
    ]);
    assert.deepEqual(both('status', { status: 'ok', replies: { web: { status: 'active' } } }), [
      'web: active\n',
      undefined,
    ]);
  });

  it('tells what was done, and what was not with the names', () => {
    const replies = {
      web: { status: 'ok' },
      'd\nb': { status: 'error', reason: 'no', hint: 'did you mean "yes"?', errno: 5 },
      job: { status: 'ok', state: 'retrying', reason: 'process 1 crashed' },
    };
    assert.deepEqual(both('start', { status: 'error', reason: 'd\nb: no', replies }), [
      'web: ok\n',
      'error: d?b: no (did you mean "yes"?)\nerror: job: it is retrying: process 1 crashed',
    ]);
  });

  it('is as ever about one', () => {
    assert.deepEqual(both('incr', { status: 'ok', numprocesses: 3 }), ['3\n', undefined]);
    assert.deepEqual(both('incr', { status: 'error', reason: 'no' }), ['', 'error: no']);
  });
});
