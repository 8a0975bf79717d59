import assert from 'node:assert/strict';
import { asPython } from '../../../cli/ctl/python.js';
import { refusalAsText, replyAsJson, replyAsText } from '../../../cli/ctl/reply.js';
import { findCommand } from '../../../cli/ctl/table.js';

const base = { status: 'ok', time: 1.5, id: 'x' };
const text = (name: string, reply: Readonly<Record<string, unknown>>) =>
  replyAsText(findCommand(name) ?? { name, role: 'view' }, { ...base, ...reply });

const info = {
  pid: 7,
  cmdline: 'sleep',
  username: 'root',
  nice: 0,
  mem_info1: '1.50M',
  mem_info2: '2.44M',
  cpu: 0,
  mem: 0.006,
  ctime: '0:00.0',
  children: [],
};
const line = '7  sleep root 0 1.50M 2.44M 0.0 0.006 0:00.0';
const child = { ...info, pid: 8, cpu: 1.5 };
const childLine = '8  sleep root 0 1.50M 2.44M 1.5 0.006 0:00.0';

describe('a reply, printed', () => {
  it('says no word of a state twice', () => {
    const said = (state: string, reason: string) => text('status', { status: 'stopped', state, reason });
    assert.equal(said('gave-up', 'gave up: process 1 crashed'), 'stopped (gave up: process 1 crashed)\n');
    assert.equal(said('completed', 'process 1 exited'), 'stopped (completed: process 1 exited)\n');
    assert.equal(said('waiting', 'waiting for a client'), 'stopped (waiting for a client)\n');
    assert.equal(said('waiting', 'plugin "limits" is missing'), 'stopped (waiting: plugin "limits" is missing)\n');
  });

  it('is ok for what was done', () => {
    for (const name of ['start', 'stop', 'restart', 'reload', 'add', 'rm', 'set', 'signal', 'kill', 'quit'])
      assert.equal(text(name, { info: { started: [1] } }), 'ok\n', name);
  });

  it('is the new number, or the singleton that keeps its own', () => {
    assert.equal(text('incr', {}), 'ok\n');
    assert.equal(text('decr', { numprocesses: 4 }), '4\n');
    assert.equal(
      text('incr', { numprocesses: 1, singleton: true }),
      'This watcher is a Singleton - not changing the number of processes\n',
    );
  });

  it('lists names and pids', () => {
    assert.equal(text('list', { watchers: ['a', 'b'] }), 'a,b\n');
    assert.equal(text('list', { pids: [1, 2] }), '1,2\n');
    assert.equal(text('list', { pids: [] }), '\n');
  });

  it('tells states, in the order of the names', () => {
    assert.equal(
      text('status', { statuses: { b: 'active', a: 'stopped', B: 'active' } }),
      'B: active\na: stopped\nb: active\n',
    );
    assert.equal(text('status', { status: 'active', state: 'running' }), 'active\n');
    const notes = { a: 'frozen' };
    assert.equal(text('status', { statuses: { b: 'active', a: 'active' }, notes }), 'a: active (frozen)\nb: active\n');
    assert.equal(text('status', { status: 'active', state: 'active', notes }), 'active (frozen)\n');
    assert.equal(text('status', { statuses: {} }), '');
  });

  it('tells options as Python would', () => {
    const options = { args: '', env: { B: '2', A: '1' }, uid: null, shell: false, priority: 0, stdout_stream_conf: {} };
    assert.equal(
      text('options', { options }),
      'args: \nenv: A=1,B=2\nuid: \nshell: False\npriority: 0\nstdout_stream_conf: {}\n',
    );
    assert.equal(text('get', { options: { args: ['a', "it's"] } }), `args: ['a', "it's"]\n`);
    assert.equal(text('options', { options: { env: null } }), 'env: \n');
    assert.equal(asPython({ a: [true, null, 'b\\'], c: 1.5 }), "{'a': [True, None, 'b\\\\'], 'c': 1.5}");
  });

  it('tells sockets, one a line', () => {
    const sockets = [
      { fd: 64, name: 'web', backlog: 1, host: '127.0.0.1', port: 80 },
      { fd: 65, name: 'own', backlog: 1, path: '/run/own' },
    ];
    assert.equal(text('listsockets', { sockets }), "64:socket 'web' at 127.0.0.1:80\n65:socket 'own' at /run/own\n");
    assert.equal(text('listsockets', { sockets: [] }), '');
    const queues = [
      { fd: 64, name: 'web', host: '127.0.0.1', port: 80, queue: 3, queue_limit: 128, watchers: ['a', 'b'] },
      { fd: 65, name: 'mail', path: '/run/own', queue: null, queue_limit: null, watchers: [] },
    ];
    assert.deepEqual(text('listsockets', { sockets: queues, queues: true }).split('\n'), [
      'FD  NAME  ADDRESS       QUEUE     WATCHERS',
      '64  web   127.0.0.1:80  3 of 128  a, b',
      '65  mail  /run/own      unknown',
      '',
    ]);
  });

  it('tells what processes use', () => {
    assert.equal(text('stats', { infos: { a: { 7: info }, b: {} } }), `a:\n7: ${line}\nb:\n`);
    assert.equal(
      text('stats', { name: 'a', info: { 7: { ...info, children: [child] } } }),
      `a:\n7: ${line}\n   ${childLine}\n`,
    );
    assert.equal(text('stats', { process: 7, info }), `7: ${line}\n\n`);
    assert.equal(
      text('stats', { process: 7, info: 'No such process (stopped?)' }),
      '7: No such process (stopped?)\n\n',
    );
    assert.equal(text('dstats', { info }), `Main Process:\n    ${line}\n`);
    assert.equal(
      text('dstats', { info: { ...info, children: [child] } }),
      `Main Process:\n    ${line}\nChildren:\n   ${childLine}\n`,
    );
  });

  it('does not hand on what a terminal would obey', () => {
    const cmdline = '\x1b[2Jx\ny';
    assert.equal(
      text('stats', { process: 7, info: { ...info, cmdline } }),
      `7: ${line.replace('sleep', '?[2Jx?y')}\n\n`,
    );
    assert.equal(text('status', { statuses: { 'a\x1b[2J\nb': 'active' } }), 'a?[2J?b: active\n');
    assert.equal(text('list', { watchers: ['a\x9b2J'] }), 'a?2J\n');
    assert.equal(
      text('options', { options: { 'x\x07': '\x1b]0;y\x07', cmd: 'a\tb\nc' } }),
      'x?: ?]0;y?\ncmd: a\tb\nc\n',
    );
    assert.equal(text('new', { a: '\x7f' }), 'a: ?\n');
  });

  it('tells what reloadconfig would do', () => {
    const keys = [{ key: 'cmd', before: 'a', after: 'b' }];
    const plan = {
      changes: [
        { kind: 'watcher', name: 'web', what: 'changed', keys, cost: 'reload', does: 'replaces its processes' },
      ],
      drift: [{ watcher: 'web', keys: [{ key: 'numprocesses', before: 1, after: 2 }] }],
      problems: ['a.ini:1:1: bad'],
    };
    assert.equal(
      text('plan', plan),
      "watcher web was changed: replaces its processes\n    cmd: 'a' -> 'b'\n" +
        'watcher web was changed at run time\n    numprocesses: 1 -> 2\nwrong: a.ini:1:1: bad\n',
    );
    assert.equal(text('plan', { changes: [], drift: [], problems: [] }), 'nothing to do\n');
  });

  it('of a command that has no form is its fields', () => {
    assert.equal(text('new', { a: 1, b: true }), 'a: 1\nb: True\n');
    assert.equal(text('new', {}), 'ok\n');
  });

  it('is one line of JSON, or indented with its keys in order', () => {
    assert.equal(
      replyAsJson({ b: 1, a: { d: [{ z: 1, y: 2 }], c: null } }, false),
      '{"b":1,"a":{"d":[{"z":1,"y":2}],"c":null}}\n',
    );
    assert.equal(
      replyAsJson({ b: 1, a: { d: 1, c: 2 } }, true),
      '{\n  "a": {\n    "c": 2,\n    "d": 1\n  },\n  "b": 1\n}\n',
    );
  });

  it('of a refusal is its reason, with what helps further behind it', () => {
    const reply = { reason: 'program wep not found', hint: 'did you mean "web"?' };
    assert.equal(refusalAsText('start', reply), 'error: program wep not found (did you mean "web"?)');
    assert.equal(refusalAsText('start', { reason: 'program x not found' }), 'error: program x not found');
    assert.equal(
      refusalAsText('globaloptions', { reason: "'x' not an existing option" }),
      "'x' not an existing option",
    );
    assert.equal(refusalAsText('start', {}), 'error: the daemon gives no reason');
  });

  it('is the text of the reply, where a command of a plugin has one', () => {
    assert.equal(text('draws', { watchers: [], text: 'a\nb' }), 'a\nb\n');
    assert.equal(text('draws', { count: 1 }), 'count: 1\n');
  });
});
