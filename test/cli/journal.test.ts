import assert from 'node:assert/strict';
import { keepJournal } from '../../cli/daemon/journal.js';
import { worldPerTest } from '../core/world.js';

describe('the journal', () => {
  const world = worldPerTest();
  const told: { readonly level: string; readonly message: string; readonly facts: Record<string, unknown> }[] = [];
  const at =
    (level: string) =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}) =>
      void told.push({ level, message, facts });
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  let now = 0;
  beforeEach(() => {
    now = 0;
    told.length = 0;
    keepJournal(world().plugin('journal').hooks, world().arbiter, log, { monotonic: () => now });
  });
  const wordsOf = (level: string) => told.filter((line) => line.level === level).map(({ message }) => message);

  it('tells of a fault with the plugin, the hook, the watcher and where it comes from', async () => {
    const { hooks } = world().plugin('bad');
    hooks.spawned.tap('bad', () => {
      throw new Error('no');
    });
    hooks.started.tap('bad', () => Promise.reject('only words'));
    hooks.stop.tap('bad', () => {
      throw new Proxy(new Error('hidden'), { get: () => assert.fail('looked at') });
    });
    await world().up({ name: 'web' });
    await world().arbiter.start();
    await world().arbiter.stop();
    const faults = told.filter(({ level }) => level === 'error');
    assert.deepEqual(wordsOf('error').slice(0, 2), [
      'plugin bad failed in spawned of web: no',
      'plugin bad failed in started: only words',
    ]);
    assert.equal(faults.length, 3);
    const { stack, ...facts } = faults[0]!.facts;
    assert.deepEqual(facts, { plugin: 'bad', hook: 'spawned', watcher: 'web' });
    assert.match(String(stack), /^Error: no\n +at .*journal\.test/);
    assert.equal(faults[1]!.facts['stack'], undefined);
  });

  it('tells the same fault once a minute, with how often it was', async () => {
    const { hooks } = world().plugin('bad');
    hooks.spawned.tap('bad', () => {
      const error = new Error('no');
      error.stack =
        'Error: no\n    at own (file:///x/dist/chunk-AB12.js:1:2)\n    at theirs (file:///y/plugin.mjs:3:4)';
      throw error;
    });
    for (const name of ['a', 'b', 'c']) await world().up({ name });
    now = 60_000;
    await world().up({ name: 'd' });
    assert.deepEqual(wordsOf('error'), [
      'plugin bad failed in spawned of a: no',
      'plugin bad failed in spawned of d: no (and 2 times more since this was last told)',
    ]);
    const stacks = told.filter(({ level }) => level === 'error').map(({ facts }) => facts['stack']);
    assert.deepEqual(stacks, ['Error: no\n    at theirs (file:///y/plugin.mjs:3:4)', undefined]);
  });

  it('says once that a watcher gave up, and why', async () => {
    world()
      .plugin('limits')
      .hooks.beforeSpawn.tap('limits', () => ({ refuse: 'the disk is full' }));
    await world().add({ name: 'web' }).start().result;
    assert.deepEqual(wordsOf('warn'), ['web gave up: hook "beforeSpawn" refused: limits (the disk is full)']);
  });
});
