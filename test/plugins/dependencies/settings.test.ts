import assert from 'node:assert/strict';
import { settingsOf } from '#plugins/dependencies/settings.js';

describe('what a watcher says of those that it comes after', () => {
  const read = (options: Readonly<Record<string, unknown>>) => settingsOf({ options });
  const words = (options: Readonly<Record<string, unknown>>) =>
    read(options).needs.map(({ kind, on, condition }) => `${kind} ${on} ${condition}`);
  const flaws = (options: Readonly<Record<string, unknown>>) =>
    read(options).flaws.map(({ key, message }) => `${key} ${message}`);

  it('is a list with a condition behind each name, ready where none is', () => {
    assert.deepEqual(words({ requires: 'db ready, migrate completed_ok', wants: 'cache', after: 'log started' }), [
      'requires db ready',
      'requires migrate completed_ok',
      'wants cache ready',
      'after log started',
    ]);
  });

  it('may have its entries in lines, between blanks, or as a list', () => {
    assert.deepEqual(words({ after: 'db\n  cache started\nlog' }), [
      'after db ready',
      'after cache started',
      'after log ready',
    ]);
    assert.deepEqual(words({ after: 'db cache completed log' }), [
      'after db ready',
      'after cache completed',
      'after log ready',
    ]);
    assert.deepEqual(words({ wants: ['db started', 'cache'] }), ['wants db started', 'wants cache ready']);
  });

  it('takes a first word for a name, also when it is that of a condition', () => {
    assert.deepEqual(words({ after: 'ready, started completed' }), ['after ready ready', 'after started completed']);
  });

  it('is nothing where nothing is written, or it was taken away', () => {
    assert.deepEqual(read({ requires: '', wants: null }), { needs: [], flaws: [], policy: 'ignore' });
  });

  it('may name what is outside', () => {
    const all = ['tcp://db:5432', 'tcp://[::1]:80', 'http://host/path', 'https://host', 'file:/run/x', 'unix:/run/y'];
    const { needs, flaws } = read({ requires: all.join(', ') });
    assert.deepEqual(flaws, []);
    assert.deepEqual(
      needs.map(({ outside }) => outside?.text),
      all,
    );
  });

  it('is refused for addresses that can’t be read, with the form that they have', () => {
    assert.deepEqual(flaws({ requires: 'tcp://db' }), [
      'requires names "tcp://db", and such an address is written as tcp://HOST:PORT',
    ]);
    assert.deepEqual(flaws({ wants: 'file:run' }), [
      'wants names "file:run", and such an address is written as file:/PATH',
    ]);
    assert.deepEqual(flaws({ wants: 'ftp://host' }), [
      'wants names "ftp://host", and such an address is written as tcp://HOST:PORT, http://HOST:PORT/PATH, https://HOST:PORT/PATH, file:/PATH or unix:/PATH',
    ]);
    assert.deepEqual(flaws({ requires: 'tcp://db:70000' }).length, 1);
  });

  it('can only wait for what is outside to be there', () => {
    assert.match(flaws({ requires: 'tcp://db:1 started' })[0]!, /^requires has "started" behind tcp:\/\/db:1, and /);
    assert.match(flaws({ after: 'file:/run/x' })[0]!, /^after names "file:\/run\/x", and is about watchers only/);
  });

  it('tells the nearest policy', () => {
    assert.deepEqual(flaws({ on_dependency_restart: 'restrat' }), [
      'on_dependency_restart must be ignore, restart or stop, and is "restrat" (did you mean "restart"?)',
    ]);
    assert.equal(read({ on_dependency_restart: ' stop ' }).policy, 'stop');
  });

  it('is refused when it is no list of texts', () => {
    assert.deepEqual(flaws({ after: 7 }), ['after must be a list of names']);
  });
});
