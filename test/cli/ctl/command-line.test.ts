import assert from 'node:assert/strict';
import { readCommandLine } from '../../../cli/ctl/command-line.js';
import { Failure } from '../../../cli/ctl/failure.js';

const read = (line: string) => readCommandLine(line.split(' ').filter((word) => word !== ''));
const parts = (line: string) => {
  const { command, words, flags } = read(line);
  return [command?.name, words, Object.fromEntries(flags)];
};
const fault = (line: string): [number, string] => {
  try {
    read(line);
  } catch (error) {
    assert.ok(error instanceof Failure);
    return [error.code, error.message];
  }
  throw new assert.AssertionError({ message: `"${line}" is accepted` });
};

describe('a command line of circusctl', () => {
  it('has options, a command, its words and its flags', () => {
    const { globals, command, words, flags } = read('--endpoint tcp://h:1 --json stop web --match regex --waiting');
    assert.equal(command?.name, 'stop');
    assert.deepEqual(words, ['web']);
    assert.deepEqual(Object.fromEntries(flags), { match: 'regex', waiting: true });
    assert.deepEqual(globals, {
      endpoint: 'tcp://h:1',
      key: undefined,
      serverKey: undefined,
      timeout: 5000,
      patient: true,
      json: true,
      prettify: false,
      version: false,
      help: false,
    });
  });

  it('has its options anywhere, with = or a blank', () => {
    assert.equal(read('status web --json').globals.json, true);
    assert.equal(read('status --endpoint=ipc:///a=b web').globals.endpoint, 'ipc:///a=b');
    assert.equal(read('status --timeout 0.5').globals.timeout, 500);
    assert.deepEqual(parts('kill --signum=INT web'), ['kill', ['web'], { signum: 'INT' }]);
  });

  it('without a command is the shell', () => assert.equal(read('--json').command, undefined));

  it('takes negative numbers for words, and everything after --', () => {
    assert.deepEqual(parts('incr web -2'), ['incr', ['web', '-2'], {}]);
    assert.deepEqual(parts('status -- --json'), ['status', ['--json'], {}]);
  });

  it('leaves the options of an added program alone', () => {
    assert.deepEqual(parts('add --start web node --inspect -x --json'), [
      'add',
      ['web', 'node', '--inspect', '-x', '--json'],
      { start: true },
    ]);
    assert.deepEqual(parts('add web npm run it -- --fast'), ['add', ['web', 'npm', 'run', 'it', '--', '--fast'], {}]);
    assert.deepEqual(parts('add web sleep 1 --start'), ['add', ['web', 'sleep', '1'], { start: true }]);
    assert.deepEqual(parts('add web -- it --start'), ['add', ['web', 'it', '--start'], {}]);
  });

  it('names the nearest command', () => {
    assert.deepEqual(fault('strat'), [2, 'error: unknown command "strat" (did you mean "start"?)']);
    assert.deepEqual(fault('frobnicate'), [2, 'error: unknown command "frobnicate"']);
  });

  it('names the nearest option, or where it belongs', () => {
    assert.deepEqual(fault('stop --wating'), [
      2,
      'error: unknown option "--wating" of stop (did you mean "--waiting"?)',
    ]);
    assert.deepEqual(fault('--jsn'), [2, 'error: unknown option "--jsn" (did you mean "--json"?)']);
    assert.deepEqual(fault('--waiting stop'), [2, 'error: option "--waiting" belongs after its command']);
    assert.deepEqual(fault('-q'), [2, 'error: unknown option "-q"']);
  });

  it('wants values where they belong, and none elsewhere', () => {
    assert.deepEqual(fault('--endpoint'), [2, 'error: option "--endpoint" needs a value']);
    assert.deepEqual(fault('stop --match --waiting'), [2, 'error: option "--match" needs a value']);
    assert.deepEqual(fault('--json=yes'), [2, 'error: option "--json" takes no value']);
    for (const timeout of ['x', '0', '-1', '1e9', ''])
      assert.deepEqual(fault(`status --timeout=${timeout}`), [
        2,
        `error: --timeout is a number of seconds, not "${timeout}"`,
      ]);
  });
});
