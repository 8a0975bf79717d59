import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { see } from '../support/proc.js';
import { FakeClock, flush } from '../support/clock.js';
import { deaf, hasSignal, pidsOf, widsOf, worldPerTest } from './world.js';

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

describe('stopping a watcher', () => {
  const world = worldPerTest();

  it('ends all processes, and tells it', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const pids = pidsOf(watcher);
    const { stopped } = await watcher.stop('me').result;
    assert.deepEqual(
      stopped,
      [...pids].sort((a, b) => a - b),
    );
    assert.deepEqual([watcher.state, watcher.wanted, watcher.reason], ['stopped', 'down', 'stopped by me']);
    const [first, ...rest] = world().log.slice(4);
    assert.deepEqual(
      [first, rest.slice(0, 2).sort(), rest[2]],
      ['stopping', ['reaped 1 stopped', 'reaped 2 stopped'], 'stopped'],
    );
    assert.ok(pids.every((pid) => !see(pid)));
  });

  it('asks beforeStop while all is still up, and afterStop when nothing is left', async () => {
    const seen: string[] = [];
    world().hooks.beforeStop.tap('test', ({ processes }) => void seen.push(`before ${processes.length}`));
    world().hooks.afterStop.tap('test', ({ processes, state }) => void seen.push(`after ${processes.length} ${state}`));
    await (await world().up()).stop().result;
    assert.deepEqual(seen, ['before 1', 'after 0 stopped']);
  });

  it('twice is one stop', async () => {
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.1 });
    const first = watcher.stop();
    assert.equal(watcher.stop(), first);
    await first.result;
    await watcher.stop().result;
    assert.equal(world().log.filter((entry) => entry === 'stopping').length, 1);
  });

  it('aborts a start that hangs in a plugin', async () => {
    for (const hook of ['beforeStart', 'afterStart', 'ready'] as const) {
      const { hooks, scope } = world().plugin('hanging');
      let aborted = false;
      let asked = false;
      hooks[hook].tap('hanging', (...args: unknown[]) => {
        asked = true;
        (args.at(-1) as AbortSignal).addEventListener('abort', () => (aborted = true));
        return never();
      });
      const watcher = world().add({ name: hook });
      const starting = watcher.start();
      await world().until(() => asked);
      await watcher.stop().result;
      assert.deepEqual([watcher.state, starting.state, aborted], ['stopped', 'cancelled', true], hook);
      await scope.close();
    }
  });

  it('aborts a spawn that hangs in a plugin, and nothing is spawned afterwards', async () => {
    for (const hook of ['beforeSpawn', 'spawnSpec'] as const) {
      const { hooks, scope } = world().plugin('hanging');
      let answer!: () => void;
      hooks[hook].tap('hanging', () => new Promise<undefined>((resolve) => (answer = () => resolve(undefined))));
      const watcher = world().add({ name: hook });
      void watcher.start();
      await world().until(() => answer);
      await watcher.stop().result;
      answer();
      await flush();
      assert.deepEqual([watcher.state, watcher.processes.length], ['stopped', 0]);
      await scope.close();
    }
  });

  it('waits for a process that was just being started', async () => {
    let answer!: () => void;
    world().hooks.afterSpawn.tap(
      'test',
      () => new Promise<undefined>((resolve) => (answer = () => resolve(undefined))),
    );
    const watcher = world().add();
    void watcher.start();
    await world().until(() => answer);
    const [pid] = pidsOf(watcher);
    const stopping = watcher.stop();
    await flush();
    answer();
    await stopping.result;
    assert.ok(pid && !see(pid));
  });

  it('and starting at once ends started, and not twice', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const before = pidsOf(watcher);
    const stop = watcher.stop();
    const start = watcher.start();
    await Promise.all([stop.result, start.result]);
    assert.equal(watcher.state, 'active');
    assert.deepEqual([watcher.processes.length, pidsOf(watcher).some((pid) => before.includes(pid))], [2, false]);
  });

  it('cancels what was asked for before it, also a start behind a stop', async () => {
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.1 });
    const first = watcher.stop();
    const start = watcher.start();
    assert.equal(watcher.stop(), first);
    await first.result;
    assert.deepEqual([start.state, watcher.state], ['cancelled', 'stopped']);
  });

  it('while a restart is stopping it resolves when all is gone, not before', async () => {
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.3 });
    const [pid] = pidsOf(watcher);
    await world().until(() => hasSignal(pid!, 'SigIgn', 15));
    const restart = watcher.restart();
    await world().until(() => watcher.state === 'stopping');
    await watcher.stop().result;
    assert.deepEqual([restart.state, watcher.state, watcher.processes.length], ['cancelled', 'stopped', 0]);
    assert.ok(!see(pid!));
  });

  it('is joined by a start that comes when a restart was cancelled', async () => {
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.2 });
    await world().until(() => hasSignal(pidsOf(watcher)[0]!, 'SigIgn', 15));
    const restart = watcher.restart();
    await world().until(() => watcher.state === 'stopping');
    restart.cancel('operator');
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.processes.length], ['active', 1]);
  });

  it('goes on when the operator cancels the wait for a plugin', async () => {
    world().hooks.beforeStop.tap('test', ({ name }) => (name === 'stuck' ? never() : undefined));
    const watcher = await world().up({ name: 'stuck' });
    const stop = watcher.stop();
    await flush();
    assert.equal(watcher.processes.length, 1);
    stop.cancel('operator');
    await world().until(() => watcher.state === 'stopped');
  });
});

describe('restarting a watcher', () => {
  const world = worldPerTest();

  it('stops all, then starts all', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const before = pidsOf(watcher);
    const { started, stopped, kept } = await watcher.restart().result;
    assert.deepEqual([stopped, started.length, kept], [[...before].sort((a, b) => a - b), 2, []]);
    assert.deepEqual(widsOf(watcher), [1, 2]);
    const words = ['stopping', 'stopped', 'starting', 'active'];
    assert.deepEqual(
      world()
        .log.slice(4)
        .filter((entry) => words.includes(entry)),
      words,
    );
  });

  it('starts one that was stopped', async () => {
    const watcher = world().add();
    await watcher.restart().result;
    assert.equal(watcher.state, 'active');
  });
});

describe('changing the number of processes', () => {
  const world = worldPerTest();

  it('starts what is missing, and tells the key', async () => {
    const keys: (readonly string[])[] = [];
    world().hooks.watcherUpdated.tap('test', (_watcher, changed) => void keys.push(changed));
    const watcher = await world().up();
    const operation = watcher.resize(4);
    assert.equal(watcher.spec.numprocesses, 4);
    const { started, kept } = await operation.result;
    assert.deepEqual([started.length, kept.length, widsOf(watcher)], [3, 1, [1, 2, 3, 4]]);
    assert.deepEqual(keys, [['numprocesses']]);
    await watcher.resize(4).result;
    assert.equal(keys.length, 1);
  });

  it('stops the oldest', async () => {
    const watcher = await world().up({ numprocesses: 4 });
    send(pidsOf(watcher)[0]!, 9);
    await world().until(() => widsOf(watcher).join() === '2,3,4,1');
    await watcher.resize(2).result;
    assert.deepEqual(widsOf(watcher), [4, 1]);
    assert.deepEqual(world().log.slice(-2).sort(), ['reaped 2 resized', 'reaped 3 resized']);
  });

  it('of a stopped watcher changes nothing but the number, and below 0 is 0', async () => {
    const watcher = world().add();
    await watcher.resize(3).result;
    assert.equal(watcher.processes.length, 0);
    await watcher.resize(-1).result;
    assert.equal(watcher.spec.numprocesses, 0);
  });

  it('works while other things are done, at once', async () => {
    world().hooks.afterStart.tap('test', never);
    const watcher = world().add({ numprocesses: 1 });
    const starting = watcher.start();
    await world().until(() => watcher.processes.length === 1);
    await watcher.resize(3).result;
    assert.deepEqual([watcher.processes.length, starting.state], [3, 'running']);
    await watcher.resize(1).result;
    assert.equal(watcher.processes.length, 1);
  });

  it('down and up again in one breath ends where it should', async () => {
    const watcher = await world().up({ numprocesses: 3 });
    const down = watcher.resize(1);
    const up = watcher.resize(3);
    await Promise.all([down.result, up.result]);
    assert.equal(watcher.processes.filter(({ stopping }) => !stopping).length, 3);
  });

  it('to none ends the retries, and is active', async () => {
    const watcher = await world().up({ cmd: '/nowhere/program', max_retry: -1 });
    assert.equal(watcher.state, 'retrying');
    await watcher.resize(0).result;
    assert.deepEqual([watcher.state, watcher.keeper.slots.retries], ['active', []]);
  });
});

describe('a singleton', () => {
  const world = worldPerTest();

  it('has one process', async () => {
    assert.throws(() => world().add({ singleton: true, numprocesses: 2 }), { code: 'ERR_WATCHER_SINGLETON' });
    const watcher = await world().up({ singleton: true });
    assert.throws(() => watcher.resize(2), { message: 'watcher "sleeper" is a singleton and has a single process' });
    await watcher.resize(0).result;
    assert.equal(watcher.processes.length, 0);
  });

  it('never runs twice, whatever is asked while it is being stopped', async () => {
    const watcher = await world().up({ ...deaf, singleton: true, graceful_timeout: 0.3 });
    await world().until(() => hasSignal(pidsOf(watcher)[0]!, 'SigIgn', 15));
    let most = 0;
    world().hooks.spawned.tap('test', () => void (most = Math.max(most, watcher.processes.length)));
    const killing = watcher.kill(watcher.processes);
    await watcher.start().result;
    await watcher.resize(1).result;
    assert.equal(watcher.processes.length, 1);
    await killing;
    await world().until(() => watcher.processes.length === 1 && watcher.history.length === 1);
    assert.equal(most, 1);
  });
});
