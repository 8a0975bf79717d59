import assert from 'node:assert/strict';
import type { WatcherSpec } from '../../core/spec.js';
import type { ReloadReport } from '../../core/reload.js';
import { FakeClock, flush } from '../support/clock.js';
import { deaf, gate, hasSignal, pidsOf, widsOf, worldPerTest } from './world.js';

const given = (keys: Partial<WatcherSpec>) => (spec: WatcherSpec) => ({ ...spec, ...keys });
const ascending = (pids: readonly number[]) => [...pids].sort((a, b) => a - b);

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

  it('is that of a singleton from its next start on, where that was set while it ran', async () => {
    const watcher = await world().up();
    watcher.update({ ...watcher.spec, singleton: true });
    const orders: boolean[] = [];
    world().hooks.reloaded.tap('test', (_watcher, { stoppedFirst }) => void orders.push(stoppedFirst));
    await world().arbiter.reload(watcher).result;
    await watcher.restart().result;
    await world().arbiter.reload(watcher).result;
    await flush();
    assert.deepEqual(orders, [false, true]);
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
