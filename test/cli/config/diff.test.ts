import assert from 'node:assert/strict';
import { watcherSpec, type WatcherSpec } from '#core';
import type { CircusOptions } from '../../../cli/config/build.js';
import { diff } from '../../../cli/config/diff.js';

describe('what a changed option of a watcher costs', () => {
  const watcher = (options: WatcherSpec['options']) => ({
    circus: { warmup_delay: 0 } as CircusOptions,
    watchers: [watcherSpec({ name: 'web', cmd: 'true', options })],
    sockets: [],
    plugins: [],
  });
  const costs = (options: WatcherSpec['options']) =>
    diff(watcher({}), watcher(options)).map(({ cost, does }) => [cost, does]);

  it('is nothing but the change where it is carried out in place', () => {
    assert.deepEqual(costs({ 'cgroup.memory_max': '1G' }), [['hot', 'takes effect at once']]);
  });

  it('is nothing at all where it only says by what it is meant', () => {
    assert.deepEqual(costs({ group: 'api', 'label.tier': 'web' }), [['nothing', 'takes effect at once']]);
    assert.deepEqual(costs({ group: 'api', 'cgroup.memory_max': '1G' }), [['hot', 'takes effect at once']]);
  });

  it('is new processes where only those can have it', () => {
    for (const options of [{ 'cgroup.active': 'False' }, { nice: 5 }, { ipc: true }, { 'alive.loop_lag': 0.5 }])
      assert.deepEqual(costs(options), [['reload', 'processes are replaced one by one']]);
  });
});
