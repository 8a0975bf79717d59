import assert from 'node:assert/strict';
import { see } from '../support/proc.js';
import { FakeClock, flush } from '../support/clock.js';
import { pidsOf, worldPerTest } from './world.js';

const never = () => new Promise<never>(() => undefined);

describe('starting a watcher', () => {
  const world = worldPerTest();

  it('brings up as many processes as wanted, and reports them', async () => {
    const watcher = world().add({ numprocesses: 3 });
    assert.deepEqual([watcher.state, watcher.wanted, watcher.resting], ['stopped', 'down', true]);
    const report = await watcher.start().result;
    assert.deepEqual(report, { started: [...pidsOf(watcher)].sort((a, b) => a - b), stopped: [], kept: [] });
    assert.deepEqual([watcher.state, watcher.wanted, watcher.reason], ['active', 'up', '']);
    assert.deepEqual(world().log, ['starting', 'spawned 1', 'spawned 2', 'spawned 3', 'active']);
    assert.ok(watcher.processes.every(({ state }) => state === 'ready'));
  });

  it('again does nothing to what runs', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const before = pidsOf(watcher);
    const { started, kept } = await watcher.start().result;
    assert.deepEqual([started, kept, pidsOf(watcher)], [[], [...before].sort((a, b) => a - b), before]);
  });

  it('with no processes wanted is active all the same', async () => {
    const watcher = await world().up({ numprocesses: 0 });
    assert.deepEqual([watcher.state, watcher.processes.length], ['active', 0]);
    await watcher.resize(1).result;
    assert.equal(watcher.processes.length, 1);
  });

  it('that a plugin refuses is taken back, and says who refused', async () => {
    for (const hook of ['beforeStart', 'afterStart'] as const) {
      const { hooks, scope } = world().plugin('guardian');
      hooks[hook].tap('guardian', () => false);
      const watcher = world().add({ name: hook });
      const operation = watcher.start();
      await assert.rejects(operation.result, {
        code: 'ERR_HOOK_REFUSED',
        message: `hook "${hook}" refused: guardian`,
      });
      assert.deepEqual([watcher.state, watcher.wanted, watcher.processes.length], ['stopped', 'down', 0]);
      assert.equal(watcher.reason, `hook "${hook}" refused: guardian`);
      assert.equal(operation.state, 'failed');
      await scope.close();
    }
  });

  it('waits for its processes to be ready', async () => {
    const { hooks } = world().plugin('health');
    let answer!: (ready: boolean) => void;
    hooks.ready.tap('health', () => new Promise<boolean>((resolve) => (answer = resolve)));
    const watcher = world().add();
    const operation = watcher.start();
    await world().until(() => answer);
    await flush();
    assert.deepEqual([watcher.state, operation.state, watcher.processes[0]?.state], ['starting', 'running', 'unready']);
    answer(true);
    await operation.result;
    assert.deepEqual([watcher.state, watcher.processes[0]?.state], ['active', 'ready']);
  });

  it('that is cancelled before it has started anything leaves the watcher stopped', async () => {
    world().hooks.beforeStart.tap('test', never);
    const watcher = world().add();
    const operation = watcher.start();
    await flush();
    assert.equal(watcher.state, 'starting');
    operation.cancel('operator');
    await assert.rejects(operation.result, { code: 'ERR_OPERATION_CANCELLED' });
    await flush();
    assert.deepEqual([watcher.state, watcher.wanted], ['stopped', 'down']);
  });

  it('that is cancelled later leaves what it has started', async () => {
    world().hooks.afterStart.tap('test', never);
    const watcher = world().add({ numprocesses: 2 });
    const operation = watcher.start();
    await world().until(() => watcher.processes.length === 2);
    operation.cancel('operator');
    await flush();
    assert.deepEqual([watcher.state, watcher.wanted, watcher.processes.length], ['active', 'up', 2]);
  });

  it('that is refused before it has started anything is no stop of which plugins hear', async () => {
    const { hooks } = world().plugin('guardian');
    const asked: string[] = [];
    hooks.beforeStart.tap('guardian', () => false);
    hooks.beforeStop.tap('guardian', () => void asked.push('beforeStop'));
    hooks.afterStop.tap('guardian', () => void asked.push('afterStop'));
    const watcher = world().add();
    await assert.rejects(watcher.start().result, { code: 'ERR_HOOK_REFUSED' });
    assert.deepEqual([watcher.state, watcher.wanted, asked], ['stopped', 'down', []]);
  });

  it('asks about a spawn with a signal that a stop aborts', async () => {
    for (const hook of ['beforeSpawn', 'afterSpawn'] as const) {
      const { hooks, scope } = world().plugin('guardian');
      const signals: AbortSignal[] = [];
      const wait = (signal: AbortSignal) => {
        signals.push(signal);
        return new Promise<undefined>((go) => signal.addEventListener('abort', () => go(undefined)));
      };
      if (hook === 'beforeSpawn') hooks.beforeSpawn.tap('guardian', (_watcher, signal) => wait(signal));
      else hooks.afterSpawn.tap('guardian', (_process, _watcher, signal) => wait(signal));
      const watcher = world().add({ name: hook });
      watcher.start().result.catch(() => undefined);
      await world().until(() => signals.length === 1);
      await watcher.stop().result;
      assert.deepEqual([watcher.state, signals[0]?.aborted], ['stopped', true]);
      await scope.close();
    }
  });

  it('with a plugin that refuses every process gives up, naming it', async () => {
    const { hooks } = world().plugin('guardian');
    hooks.beforeSpawn.tap('guardian', () => false);
    const watcher = await world().up({ numprocesses: 2 });
    assert.deepEqual([watcher.state, watcher.reason], ['gave-up', 'gave up: hook "beforeSpawn" refused: guardian']);
  });

  it('with a plugin that refuses a process afterwards ends that process, and tells no start of it', async () => {
    const { hooks } = world().plugin('guardian');
    const refused: number[] = [];
    hooks.afterSpawn.tap('guardian', ({ pid }) => {
      refused.push(pid);
      return false;
    });
    const watcher = await world().up();
    assert.equal(watcher.state, 'gave-up');
    assert.deepEqual(world().log, ['starting', 'reaped 1 refused', 'gave-up']);
    assert.ok(refused.every((pid) => !see(pid)));
  });
});

describe('the pauses of a start', () => {
  let clock: FakeClock;
  const world = worldPerTest(() => (clock = new FakeClock()));

  it('are kept between two spawns, and after the last', async () => {
    const watcher = world().add({ numprocesses: 3, warmup_delay: 2 });
    const operation = watcher.start();
    for (const count of [1, 2, 3]) {
      await flush();
      assert.equal(watcher.processes.length, count);
      await clock.advance(1999);
      assert.equal(watcher.processes.length, count);
      await clock.advance(1);
    }
    await operation.result;
    assert.equal(watcher.state, 'active');
  });

  it('are ended by a stop, which lets nothing more start', async () => {
    const watcher = world().add({ numprocesses: 3, warmup_delay: 60 });
    const starting = watcher.start();
    await flush();
    await watcher.stop().result;
    await assert.rejects(starting.result, /start of "sleeper" was cancelled: stop by operator/);
    assert.deepEqual([watcher.state, watcher.processes.length, clock.pending], ['stopped', 0, []]);
    assert.equal(world().log.filter((entry) => entry.startsWith('spawned')).length, 1);
  });

  it('let a process count as ready when it has lived for ready_after', async () => {
    const watcher = world().add({ ready_after: 3 });
    const operation = watcher.start();
    await clock.advance(2999);
    assert.deepEqual([operation.state, watcher.processes[0]?.state], ['running', 'unready']);
    await clock.advance(1);
    await operation.result;
    assert.equal(watcher.processes[0]?.state, 'ready');
  });
});
