import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { flush } from '../support/clock.js';
import { gate, pidsOf, worldPerTest } from './world.js';

describe('during a reload', () => {
  const world = worldPerTest();

  /** A watcher with the successor of its first process spawned and not ready yet. */
  async function midway(numprocesses = 2) {
    const { open, close, scope } = gate(world());
    const watcher = await world().up({ numprocesses });
    const before = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 1);
    return { watcher, before, reload, open, scope };
  }
  const finish = async ({ reload, open }: Awaited<ReturnType<typeof midway>>) => {
    for (let answered = 0; reload.state === 'running'; await flush())
      for (const { answer } of open.slice(answered)) {
        answered++;
        answer(true);
      }
  };

  it('an old one may die: the new one takes its place', async () => {
    const parts = await midway();
    send(parts.before[0]!, 9);
    await world().until(() => parts.watcher.history.length === 1);
    await finish(parts);
    assert.deepEqual([parts.reload.state, parts.watcher.processes.length], ['done', 2]);
    assert.equal(world().log.filter((entry) => entry.startsWith('spawned')).length, 4);
  });

  it('an old one that waits for its turn may die: it is respawned', async () => {
    const parts = await midway();
    send(parts.before[1]!, 9);
    await world().until(() => parts.open.length === 2);
    await finish(parts);
    assert.deepEqual([parts.reload.state, parts.watcher.processes.length], ['done', 2]);
  });

  it('the new one may die: the reload fails, the old one goes on', async () => {
    const { watcher, before, reload, open } = await midway();
    send(open[0]!.pid, 9);
    await assert.rejects(reload.result, /did not become ready: it was killed by SIGKILL/);
    await flush();
    assert.deepEqual(pidsOf(watcher), before);
  });

  it('both may die: the reload fails, and the place is filled', async () => {
    const parts = await midway(1);
    send(parts.before[0]!, 9);
    send(parts.open[0]!.pid, 9);
    await assert.rejects(parts.reload.result);
    const dead = [parts.before[0], parts.open[0]!.pid];
    await world().until(() => parts.watcher.processes.some(({ pid }) => !dead.includes(pid)));
    parts.open.at(-1)!.answer(true);
  });

  it('a stop ends it all', async () => {
    const { watcher, reload } = await midway();
    await watcher.stop().result;
    assert.deepEqual([reload.state, watcher.state, watcher.processes.length], ['cancelled', 'stopped', 0]);
  });

  it('the number can be raised and lowered, and is right at the end', async () => {
    for (const goal of [4, 1]) {
      const parts = await midway(3);
      const resize = parts.watcher.resize(goal);
      await finish(parts);
      await resize.result;
      await world().until(() => parts.watcher.processes.length === goal);
      await flush();
      assert.deepEqual([parts.reload.state, parts.watcher.processes.length], ['done', goal]);
      await world().arbiter.remove('sleeper');
      await parts.scope.close();
    }
  });

  it('lowering the number ends the oldest, also the one that is being replaced', async () => {
    const parts = await midway(2);
    await parts.watcher.resize(1).result;
    assert.equal(parts.watcher.history.at(-1)?.pid, parts.before[0]);
    await finish(parts);
    await world().until(() => parts.watcher.processes.length === 1);
    assert.equal(parts.watcher.state, 'active');
  });

  it('kills of the old and of the new one are borne', async () => {
    const parts = await midway(1);
    await parts.watcher.kill(parts.watcher.processes);
    await finish(parts);
    await world().until(() => parts.watcher.processes.filter(({ stopping }) => !stopping).length === 1);
    assert.equal(parts.watcher.state, 'active');
    parts.open.at(-1)!.answer(true);
  });
});
