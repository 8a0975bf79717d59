import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { checkOptions } from '#plugins/controller/option-check.js';

/** Why a value is refused; undefined when it is not. */
function reason(key: string, value: unknown): string | undefined {
  try {
    checkOptions({ [key]: value }, () => false);
    return undefined;
  } catch (error) {
    const { errno, message } = error as { errno: number; message: string };
    assert.equal(errno, 3);
    return message;
  }
}
const all = (key: string, values: readonly unknown[], message: string | undefined) => {
  for (const value of values) assert.equal(reason(key, value), message, `${key} = ${JSON.stringify(value)}`);
};

describe('the values of options', () => {
  it('are signals that there are', () => {
    all('stop_signal', [0, -1, 65, 999, 1e308, false], "'stop_signal' isn't a signal: they are 1 to 64");
    all('stop_signal', ['TERM', '15', 1.5, null], "'stop_signal' isn't an integer");
    all('stop_signal', [1, 15, 64, true], undefined);
  });

  it('are numbers of processes that a machine can have', () => {
    all('numprocesses', [100_001, 1e308], "'numprocesses' is more than 100000");
    all('numprocesses', [100_000, 0, -4, true], undefined);
    all('graceful_timeout', [Infinity, NaN], "'graceful_timeout' isn't a number");
  });

  it('may follow the machine of the daemon', () => {
    const { numprocesses } = checkOptions({ numprocesses: 'cpus' }, () => false);
    assert.equal(numprocesses, availableParallelism());
    all('numprocesses', ['cpus-1', 'CPUS - 1000'], undefined);
    all('numprocesses', ['cpus+1', '2'], "'numprocesses' isn't an integer");
  });

  it('are users and groups, never root by mistake', () => {
    for (const key of ['uid', 'gid']) {
      all(key, ['', '  '], `'${key}' is empty`);
      all(key, [true, false, null, 1.5, [], {}], `'${key}' isn't an integer or string`);
      all(key, [-1, 2 ** 32 - 1, '4294967295', '4294967296'], `'${key}' isn't between 0 and 4294967294`);
      all(key, ['nobody\0'], `'${key}' has a NUL character in it`);
      all(key, [0, '0', 65534, 'nobody'], undefined);
    }
  });

  it('are commands and folders that can be given to the system', () => {
    for (const key of ['cmd', 'working_dir']) {
      all(key, [{}, [], 5, null, true], `'${key}' isn't a string`);
      all(key, ['', ' '], `'${key}' is empty`);
      all(key, ['a\0b'], `'${key}' has a NUL character in it`);
      all(key, ['/bin/true'], undefined);
    }
    all('args', [5, {}, [1], ['a', null]], "'args' isn't a string or a list of strings");
    all('args', ['\0', ['a', '\0']], "'args' has a NUL character in it");
    all('args', ['', 'a b', [], ['a'], null], undefined);
    all('singleton', ['yes', 1, null], "'singleton' isn't a valid boolean");
  });

  it('are variables that an environment can hold', () => {
    assert.equal(reason('env', { A: 'x\0y' }), "'A' has a NUL character in it");
    assert.equal(reason('env', { 'A=B': 'x' }), "'A=B' can't be the name of a variable");
    assert.equal(reason('env', { '': 'x' }), "'' can't be the name of a variable");
    assert.equal(reason('env', { 'A\0': 'x' }), "'A\\u0000' can't be the name of a variable");
    assert.equal(reason('env', { 'B\n[watcher:x]': 'x' }), "'B\\n[watcher:x]' can't be the name of a variable");
    all('env', [{}, { A: '' }, { 'a.b': 'c=d\n' }], undefined);
  });
});
