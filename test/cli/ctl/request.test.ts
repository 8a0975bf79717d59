import assert from 'node:assert/strict';
import { readCommandLine } from '../../../cli/ctl/command-line.js';
import { Failure } from '../../../cli/ctl/failure.js';
import { propertiesOf } from '../../../cli/ctl/request.js';

const properties = (...argv: readonly string[]) => {
  const { command, words, flags } = readCommandLine(argv);
  assert.ok(command);
  return propertiesOf(command, words, flags);
};
const fault = (...argv: readonly string[]): string => {
  try {
    properties(...argv);
  } catch (error) {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, 1);
    return error.message;
  }
  throw new assert.AssertionError({ message: `"${argv.join(' ')}" is accepted` });
};

describe('the properties of a request', () => {
  it('are the words by name, and the flags', () => {
    assert.deepEqual(properties('status'), {});
    assert.deepEqual(properties('status', 'web'), { name: 'web' });
    assert.deepEqual(properties('start', 'w*'), { name: 'w*', match: 'glob', waiting: false });
    assert.deepEqual(properties('stop', '--match', 'regex', '--waiting'), { match: 'regex', waiting: true });
    assert.deepEqual(properties('get', 'web', 'cmd', 'env'), { name: 'web', keys: ['cmd', 'env'] });
    assert.deepEqual(properties('globaloptions', 'endpoint'), { option: 'endpoint' });
    assert.deepEqual(properties('rm', 'web', '--nostop', '--waiting'), { name: 'web', nostop: true, waiting: true });
    assert.deepEqual(properties('quit', '--waiting'), { waiting: true });
  });

  it('hold numbers as numbers', () => {
    assert.deepEqual(properties('incr', 'web', '2'), { name: 'web', nb: 2, waiting: false });
    assert.deepEqual(properties('decr', 'web', '-1'), { name: 'web', nb: -1, waiting: false });
    assert.deepEqual(properties('stats', 'web', '12', '--extended'), { name: 'web', process: 12, extended: true });
    assert.deepEqual(properties('kill', 'web', '12', '--signum', '2', '--graceful_timeout', '1.5', '--waiting'), {
      name: 'web',
      pid: 12,
      signum: 2,
      graceful_timeout: 1.5,
      waiting: true,
    });
  });

  it('mean several watchers where one of the words is no plain name', () => {
    assert.deepEqual(properties('list', '@api'), { name: '@api' });
    assert.deepEqual(properties('list', 'web', '@api', 'a=b'), { names: ['web', '@api', 'a=b'] });
    assert.deepEqual(properties('incr', 'web', '@api', '2'), { names: ['web', '@api'], nb: 2, waiting: false });
    assert.deepEqual(properties('incr', '@api', '2'), { name: '@api', nb: 2, waiting: false });
    const signal = (...words: readonly string[]) => {
      const { name, names, pid, signum } = properties('signal', ...words);
      return [name ?? names, pid, signum];
    };
    assert.deepEqual(signal('@api', 'HUP'), ['@api', undefined, 'HUP']);
    assert.deepEqual(signal('@api', 'web', 'HUP'), [['@api', 'web'], undefined, 'HUP']);
    assert.deepEqual(signal('@api', '12', '15'), ['@api', 12, 15]);
    assert.deepEqual(properties('get', '@api', 'cmd', 'env'), { name: '@api', keys: ['cmd', 'env'] });
    assert.deepEqual(properties('set', 'web @api', 'group', 'a, b')['name'], 'web @api');
    assert.deepEqual(properties('set', 'web', 'label.team', 'x')['options'], { 'label.team': 'x' });
    assert.equal(fault('list', 'web', 'db'), 'Invalid number of arguments');
    assert.equal(fault('signal', '@api'), 'Invalid number of arguments');
  });

  it('of reload say whether it is graceful', () => {
    const asked = (...flags: readonly string[]) => properties('reload', 'web', ...flags);
    assert.deepEqual(asked(), {
      name: 'web',
      waiting: false,
      sequential: false,
      continue: false,
      abort: false,
      graceful: true,
    });
    assert.deepEqual(asked('--terminate', '--sequential'), {
      name: 'web',
      waiting: false,
      sequential: true,
      continue: false,
      abort: false,
      graceful: false,
    });
  });

  it('of signal have the last word for the signal', () => {
    const rest = { name: 'web', children: false, recursive: false };
    assert.deepEqual(properties('signal', 'web', 'HUP'), { ...rest, signum: 'HUP' });
    assert.deepEqual(properties('signal', 'web', '12', '15'), { ...rest, pid: 12, signum: 15 });
    assert.deepEqual(properties('signal', 'web', '12', 'HUP', '--children'), {
      ...rest,
      pid: 12,
      signum: 'HUP',
      children: true,
    });
    assert.deepEqual(properties('signal', 'web', '--recursive', 'HUP'), { ...rest, signum: 'HUP', recursive: true });
  });

  it('of add hold the command line of the program, with what needs quotes quoted', () => {
    const cmd = (...words: readonly string[]) => properties('add', 'web', ...words)['cmd'];
    assert.deepEqual(properties('add', '--start', 'web', 'sleep', '10'), {
      name: 'web',
      cmd: 'sleep 10',
      start: true,
      waiting: false,
    });
    assert.equal(cmd('sleep 10'), 'sleep 10');
    assert.equal(cmd('sleep 10', '--x'), 'sleep 10 --x');
    assert.equal(cmd('sh', '-c', "echo it's; exit"), `sh -c 'echo it'\\''s; exit'`);
    assert.equal(cmd('a', '', '$(circus.wid)'), "a '' $(circus.wid)");
  });

  it('of set hold values of their types', () => {
    const options = (...words: readonly string[]) => properties('set', 'web', ...words)['options'];
    assert.deepEqual(properties('set', 'web', 'numprocesses', '2', '--waiting'), {
      name: 'web',
      options: { numprocesses: 2 },
      waiting: true,
    });
    assert.deepEqual(options('NumProcesses', '3', 'graceful_timeout', '2.5', 'send_hup', 'yes', 'cmd', 'sleep 1'), {
      numprocesses: 3,
      graceful_timeout: 2.5,
      send_hup: true,
      cmd: 'sleep 1',
    });
    assert.deepEqual(options('stop_signal', 'SIGINT', 'rlimit_nofile', '100', 'rlimit_core', ''), {
      stop_signal: 2,
      rlimit_nofile: 100,
      rlimit_core: null,
    });
    assert.deepEqual(options('stdout_stream.max_bytes', '100', 'stdout_stream.filename', '7'), {
      'stdout_stream.max_bytes': 100,
      'stdout_stream.filename': '7',
    });
  });

  it('of set hold env and hooks as objects', () => {
    const options = (key: string, text: string) => (properties('set', 'web', key, text)['options'] as never)[key];
    assert.deepEqual(options('env', 'A=1,B=2'), { A: '1', B: '2' });
    assert.deepEqual(options('env', 'LIST=a,b,PATH=/x=y'), { LIST: 'a,b', PATH: '/x=y' });
    assert.deepEqual(options('env', ''), {});
    assert.deepEqual(options('hooks', 'before_start:a.b,after_stop:c.d'), { before_start: 'a.b', after_stop: 'c.d' });
  });

  it('of set are refused where key or value is none', () => {
    assert.equal(fault('set', 'web', 'nope', '1'), "unknown key 'nope'");
    assert.equal(fault('set', 'web', 'numproceses', '1'), `unknown key 'numproceses' (did you mean "numprocesses"?)`);
    assert.equal(fault('set', 'web', 'numprocesses', 'x'), `'numprocesses' must be a whole number, and is "x"`);
    assert.deepEqual(properties('set', 'web', 'numprocesses', 'cpus-1')['options'], { numprocesses: 'cpus-1' });
    assert.match(fault('set', 'web', 'stop_signal', 'NOPE'), /^'stop_signal' must be a signal/);
    assert.equal(fault('set', 'web', 'env', 'A'), `'env' must be of the form NAME=VALUE,NAME=VALUE, and is "A"`);
    assert.match(fault('set', 'web', 'numprocesses'), /^Invalid number of arguments/);
    assert.equal(fault('set', 'web', 'numprocesses', '1', 'cmd'), 'List of key/values is invalid');
  });

  it('are refused where words are too few or too many, in the words of Circus', () => {
    assert.equal(fault('list', 'a', 'b'), 'Invalid number of arguments');
    assert.equal(fault('rm'), 'Invalid number of arguments');
    assert.equal(fault('get', 'web'), 'Invalid number of arguments');
    assert.equal(fault('signal', 'web'), 'Invalid number of arguments');
    assert.equal(fault('options'), 'number of arguments invalid');
    assert.equal(fault('status', 'a', 'b'), 'message invalid');
    assert.equal(fault('dstats', 'x'), 'Invalid message');
    assert.equal(fault('incr', 'web', 'two'), `'nb' must be a whole number, and is "two"`);
    assert.equal(
      fault('kill', 'web', '--graceful_timeout', 'soon'),
      `'graceful_timeout' must be a number, and is "soon"`,
    );
  });
});
