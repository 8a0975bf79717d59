import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import type { ReloadPlan } from '../../core/reload.js';
import type { WatcherSpec } from '../../core/spec.js';
import type { Watcher } from '../../core/watcher.js';
import { flush } from '../support/clock.js';
import { gate, pidsOf, worldPerTest, type World } from './world.js';

const newer = (spec: WatcherSpec) => ({ ...spec, env: { NEW: '1' } });
const newOnes = ({ processes }: Watcher) => processes.filter(({ spec }) => spec.env['NEW'] === '1').length;

/** Has reloads go by this plan. */
function planned(world: World, plan: Partial<ReloadPlan>): void {
  world.hooks.reloadPlan.tap('test', (usual) => ({ ...usual, ...plan }));
}

describe('a reload in batches', () => {
  const world = worldPerTest();

  it('starts a batch side by side, and stops nobody before all of it are ready', async () => {
    const { open, close } = gate(world());
    planned(world(), { first: 2, batch: 3 });
    const watcher = await world().up({ numprocesses: 5 });
    const before = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 2);
    open[1]!.answer(true);
    await flush();
    assert.deepEqual([watcher.processes.length, watcher.history.length], [7, 0]);
    assert.ok(watcher.processes.every(({ stopping }) => !stopping));
    open[0]!.answer(true);
    await world().until(() => open.length === 5);
    assert.deepEqual([reload.progress, watcher.history.length], [{ done: 2, total: 5 }, 2]);
    for (const { answer } of open.slice(2)) answer(true);
    await reload.result;
    assert.equal(watcher.processes.length, 5);
    assert.ok(pidsOf(watcher).every((pid) => !before.includes(pid)));
  });

  it('asks before each batch is started, and again before the old ones leave', async () => {
    planned(world(), { first: 1, batch: 2 });
    const steps: (readonly [string, number, number])[] = [];
    const watcher = await world().up({ numprocesses: 3, ready_after: 0 });
    world().hooks.beforeStep.tap('test', ({ kind, ready, operation }) => {
      steps.push([kind, ready.length, operation.progress.done]);
    });
    await world().arbiter.reload(watcher).result;
    assert.deepEqual(steps, [
      ['start', 0, 0],
      ['stop', 1, 0],
      ['start', 0, 1],
      ['stop', 2, 1],
    ]);
  });

  it('removes all of a batch of which one fails, and stops none of the old ones', async () => {
    const { open, close } = gate(world());
    planned(world(), { first: 3, batch: 3 });
    const watcher = await world().up({ numprocesses: 3 });
    const before = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 3);
    open[0]!.answer(true);
    send(open[1]!.pid, 9);
    await assert.rejects(reload.result, /did not become ready: it was killed by SIGKILL/);
    await world().until(() => watcher.processes.length === 3);
    assert.deepEqual(pidsOf(watcher), before);
    assert.ok(watcher.processes.every(({ stopping }) => !stopping));
  });

  it('stops the processes of a batch together where that comes first', async () => {
    planned(world(), { first: 2, batch: 2, stopFirst: true });
    const watcher = await world().up({ numprocesses: 2, ready_after: 0 });
    const told: string[] = [];
    world().hooks.processState.tap('test', (_process, _before, after) => void told.push(after));
    await world().arbiter.reload(watcher).result;
    assert.deepEqual(told.slice(0, 2), ['stopping', 'stopping']);
    assert.equal(told.length, 6);
  });

  it('keeps what was replaced when a later batch fails', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    const [, second] = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 1);
    open[0]!.answer(true);
    await world().until(() => open.length === 2);
    open[1]!.answer(false);
    await assert.rejects(reload.result);
    await flush();
    assert.deepEqual(pidsOf(watcher), [second, open[0]!.pid]);
  });

  for (const how of ['fails', 'is cancelled'])
    it(`that changes the spec and ${how} in a later batch goes back, a new process first`, async () => {
      const { open, close } = gate(world());
      const watcher = await world().up({ numprocesses: 2 });
      close();
      const reload = world().arbiter.reload(watcher, { change: newer });
      await world().until(() => open.length === 1);
      open[0]!.answer(true);
      await world().until(() => open.length === 2);
      assert.equal(newOnes(watcher), 2);
      if (how === 'fails') open[1]!.answer(false);
      else reload.cancel('operator');
      await assert.rejects(reload.result);
      await world().until(() => open.length === 3);
      const serving = () => watcher.keeper.slots.serving.length;
      assert.equal(serving(), 2);
      open[2]!.answer(true);
      await world().until(() => newOnes(watcher) === 0 && watcher.processes.length === 2);
      const back = [...world().arbiter.operations.values()].at(-1)!;
      await back.result;
      assert.deepEqual([back.kind, back.by, back.progress], ['reload', 'kernel', { done: 1, total: 1 }]);
      assert.equal(watcher.spec.env, null);
    });

  it('does not go back when it was stopped', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    close();
    const reload = world().arbiter.reload(watcher, { change: newer });
    await world().until(() => open.length === 1);
    open[0]!.answer(true);
    await world().until(() => open.length === 2);
    await watcher.stop().result;
    await flush();
    assert.deepEqual([reload.state, watcher.state, watcher.processes.length], ['cancelled', 'stopped', 0]);
    assert.ok([...world().arbiter.operations.values()].every(({ by }) => by !== 'kernel'));
  });
});
