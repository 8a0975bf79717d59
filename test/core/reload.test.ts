import assert from 'node:assert/strict';
import type { WatcherSpec } from '../../core/spec.js';
import type { ReloadReport } from '../../core/watcher.js';
import { send } from '../../core/posix/process.js';
import { FakeClock, flush } from '../support/clock.js';
import { deaf, hasSignal, pidsOf, widsOf, worldPerTest } from './world.js';

const given = (keys: Partial<WatcherSpec>) => (spec: WatcherSpec) => ({ ...spec, ...keys });
const ascending = (pids: readonly number[]) => [...pids].sort((a, b) => a - b);

/** A plugin that answers the question whether a process is ready when the test says so. */
function gate(world: ReturnType<ReturnType<typeof worldPerTest>>) {
  const { hooks, scope } = world.plugin('gate');
  const open: { readonly wid: number; readonly pid: number; answer(ready: boolean): void }[] = [];
  let closed = false;
  hooks.ready.tap('gate', ({ wid, pid }) => {
    if (!closed) return true;
    return new Promise<boolean>((answer) => open.push({ wid, pid, answer }));
  });
  return { open, scope, close: () => (closed = true) };
}

describe('a reload', () => {
  const world = worldPerTest();

  it('replaces one by one: the new one is ready before the old one is signalled', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    const before = pidsOf(watcher);
    const reports: ReloadReport[] = [];
    world().hooks.reloaded.tap('test', (_watcher, report) => void reports.push(report));
    close();
    const reload = world().arbiter.reload(watcher);
    for (const round of [0, 1]) {
      await world().until(() => open.length === round + 1);
      assert.equal(watcher.processes.length, 3);
      assert.ok(watcher.processes.every(({ stopping }) => !stopping));
      assert.deepEqual(reload.progress, { done: round, total: 2 });
      open[round]!.answer(true);
    }
    const report = await reload.result;
    assert.deepEqual(
      [report.stopped, report.started, report.kept],
      [ascending(before), ascending(pidsOf(watcher)), []],
    );
    assert.deepEqual(widsOf(watcher), [3, 1]);
    assert.deepEqual(
      world()
        .log.filter((entry) => /^(spawned|reaped)/.test(entry))
        .slice(2),
      ['spawned 3', 'reaped 1 replaced', 'spawned 1', 'reaped 2 replaced'],
    );
    await flush();
    assert.deepEqual(reports, [{ ...report, stoppedFirst: false }]);
    assert.equal(watcher.state, 'active');
  });

  it('waits a second for a new one to prove itself when nobody judges it', async () => {
    const clock = new FakeClock();
    const watcher = await world().up();
    const { age } = watcher.processes[0]!;
    const reload = world().arbiter.reload(watcher);
    const begun = performance.now();
    await reload.result;
    assert.ok(performance.now() - begun >= 990 && age >= 0 && clock.pending.length === 0);
  });

  it('that brings a process which fails leaves the old ones alone, and fails', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const before = pidsOf(watcher);
    const change = given({ cmd: 'sh -c "sleep 0.05; exit 3"' });
    const reload = world().arbiter.reload(watcher, { change });
    await assert.rejects(reload.result, {
      code: 'ERR_PROCESS_UNREADY',
      message: /did not become ready: it exited with code 3/,
    });
    await flush();
    assert.deepEqual([pidsOf(watcher), watcher.spec.cmd, watcher.state], [before, 'sleep 600', 'active']);
  });

  it('fails when the new program cannot be started, or a plugin refuses it', async () => {
    const watcher = await world().up();
    const before = pidsOf(watcher);
    const missing = world().arbiter.reload(watcher, { change: given({ cmd: '/nowhere/program' }) });
    await assert.rejects(missing.result, { code: 'ERR_PROCESS_SPAWN' });
    const { hooks } = world().plugin('health');
    hooks.ready.tap('health', () => false);
    await assert.rejects(world().arbiter.reload(watcher).result, /did not become ready: refused by health/);
    await flush();
    assert.deepEqual([pidsOf(watcher), widsOf(watcher)], [before, [1]]);
    assert.equal(watcher.processes[0]?.stopping, undefined);
  });

  it('that is cancelled removes the new one, and keeps what was replaced', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    const [, second] = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 1);
    open[0]!.answer(true);
    await world().until(() => open.length === 2);
    reload.cancel('operator');
    await assert.rejects(reload.result, { code: 'ERR_OPERATION_CANCELLED' });
    await world().until(() => watcher.processes.length === 2);
    assert.deepEqual(pidsOf(watcher), [second, open[0]!.pid]);
  });

  it('adopts another spec when all have been replaced, and not before', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up();
    const keys: (readonly string[])[] = [];
    world().hooks.watcherUpdated.tap('test', (_watcher, changed) => void keys.push(changed));
    close();
    const reload = world().arbiter.reload(watcher, { change: given({ env: { NEW: '1' } }) });
    await world().until(() => open.length === 1);
    assert.equal(watcher.spec.env, null);
    open[0]!.answer(true);
    await reload.result;
    assert.deepEqual([watcher.spec.env, keys], [{ NEW: '1' }, [['env']]]);
    assert.equal(watcher.processes[0]?.spec.env['NEW'], '1');
  });

  it('leaves nothing of the old spec, also not what was respawned or added during it', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    close();
    const reload = world().arbiter.reload(watcher, { change: given({ env: { NEW: '1' } }) });
    await world().until(() => open.length === 1);
    const resize = watcher.resize(3);
    let answered = 0;
    while (reload.state === 'running' || resize.state === 'running') {
      for (const { answer } of open.slice(answered)) {
        answered++;
        answer(true);
      }
      await flush();
    }
    assert.deepEqual([reload.state, resize.state, watcher.spec.numprocesses], ['done', 'done', 3]);
    assert.deepEqual(
      watcher.processes.map(({ spec }) => spec.env['NEW']),
      ['1', '1', '1'],
    );
  });

  it('with a smaller number in its spec ends with that number', async () => {
    const watcher = await world().up({ numprocesses: 3, ready_after: 0 });
    await world().arbiter.reload(watcher, { change: given({ numprocesses: 1 }) }).result;
    assert.equal(watcher.processes.length, 1);
  });

  it('starts a watcher that rests, and restarts where it is not to be graceful', async () => {
    const watcher = world().add({ numprocesses: 2 });
    await world().arbiter.reload(watcher).result;
    const before = pidsOf(watcher);
    assert.equal(before.length, 2);
    await world().arbiter.reload(watcher, { graceful: false, change: given({ numprocesses: 1 }) }).result;
    assert.equal(watcher.processes.length, 1);
    assert.ok(!before.includes(pidsOf(watcher)[0]!));
  });

  it('sends SIGHUP and replaces nothing where that is asked for', async () => {
    const watcher = await world().up({
      numprocesses: 2,
      send_hup: true,
      cmd: `sh -c 'trap "exit 7" HUP; while :; do sleep 0.01; done'`,
    });
    await world().until(() => watcher.processes.every(({ pid }) => hasSignal(pid, 'SigCgt', 1)));
    const before = pidsOf(watcher);
    const { kept } = await world().arbiter.reload(watcher).result;
    assert.deepEqual(kept, ascending(before));
    await world().until(() => watcher.history.length === 2);
    assert.ok(watcher.history.every(({ exit }) => exit.code === 7));
  });
});

describe('a reload that stops first', () => {
  const world = worldPerTest();

  it('is that of a singleton, and says so', async () => {
    const watcher = await world().up({ ...deaf, singleton: true, graceful_timeout: 0.1 });
    await world().until(() => hasSignal(pidsOf(watcher)[0]!, 'SigIgn', 15));
    const reports: ReloadReport[] = [];
    world().hooks.reloaded.tap('test', (_watcher, report) => void reports.push(report));
    await world().arbiter.reload(watcher).result;
    await flush();
    assert.equal(reports[0]?.stoppedFirst, true);
    assert.deepEqual(
      world().log.filter((entry) => /^(spawned|reaped)/.test(entry)),
      ['spawned 1', 'reaped 1 stopped', 'spawned 1'],
    );
  });

  it('goes one by one through the others, each with its own number', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    await world().arbiter.reload(watcher, { sequential: true }).result;
    assert.deepEqual(widsOf(watcher), [1, 2]);
    assert.deepEqual(
      world()
        .log.filter((entry) => /^(spawned|reaped)/.test(entry))
        .slice(2),
      ['reaped 1 stopped', 'spawned 1', 'reaped 2 stopped', 'spawned 2'],
    );
  });

  it('goes back to the old spec when the new one cannot be started', async () => {
    const watcher = await world().up({ singleton: true });
    const reload = world().arbiter.reload(watcher, { change: given({ cmd: '/nowhere/program' }) });
    await assert.rejects(reload.result, { code: 'ERR_PROCESS_SPAWN' });
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual(
      world().log.filter((entry) => !/^(spawned|reaped)/.test(entry)),
      ['starting', 'active'],
    );
    assert.deepEqual([watcher.spec.cmd, watcher.processes[0]?.spec.command], ['sleep 600', 'sleep']);
  });
});

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
