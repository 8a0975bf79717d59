import assert from 'node:assert/strict';
import { circusState, next, processTable, watcherTable } from '../../core/states.js';

describe('the tables of states', () => {
  it('lead only to states that they have', () => {
    for (const table of [watcherTable, processTable])
      for (const row of Object.values<Record<string, string>>(table))
        for (const state of Object.values(row)) assert.ok(Object.hasOwn(table, state), state);
  });

  it('can reach every state of a watcher but `disabled` can be left by `enable` only', () => {
    const reached = new Set(Object.values(watcherTable).flatMap((row) => Object.values(row)));
    assert.deepEqual([...reached].sort(), Object.keys(watcherTable).sort());
    assert.deepEqual(watcherTable.disabled, { enable: 'stopped' });
  });

  it('let a watcher be stopped in every state in which something of it may run', () => {
    for (const state of ['starting', 'active', 'retrying', 'waiting'] as const)
      assert.equal(next(watcherTable, state, 'stop'), 'stopping');
  });

  it('have no way out of the end of a process', () => {
    assert.deepEqual(processTable.ended, {});
    assert.equal(next(processTable, 'stopping', 'ready'), undefined);
  });

  it("show Circus's clients its own four names", () => {
    assert.deepEqual(Object.keys(circusState), Object.keys(watcherTable));
    assert.deepEqual([...new Set(Object.values(circusState))].sort(), ['active', 'starting', 'stopped', 'stopping']);
  });
});
