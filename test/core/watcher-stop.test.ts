import assert from 'node:assert/strict';
import { see } from '../support/proc.js';
import { FakeClock, flush } from '../support/clock.js';
import { deaf, hasSignal, pidsOf, worldPerTest } from './world.js';

const never = () => new Promise<never>(() => undefined);

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

  it('twice is one stop, also while what the first one cancelled is not through', async () => {
    const watcher = world().add({ numprocesses: 2, warmup_delay: 600 });
    const starting = watcher.start();
    await world().until(() => watcher.processes.length === 1);
    const first = watcher.stop();
    assert.equal(first.state, 'queued');
    assert.equal(watcher.stop(), first);
    await first.result;
    assert.deepEqual([watcher.state, starting.state, first.state], ['stopped', 'cancelled', 'done']);
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

describe('a plugin that hangs before a stop', () => {
  const clock = new FakeClock();
  const world = worldPerTest(() => clock);

  it('is waited for as long as a process', async () => {
    let asked: AbortSignal | undefined;
    world().hooks.beforeStop.tap('test', (_watcher, signal) => ((asked = signal), never()));
    const watcher = await world().up({ graceful_timeout: 7 });
    const stop = watcher.stop().result;
    await clock.advance(6999);
    assert.deepEqual([watcher.processes.length, asked?.aborted], [1, false]);
    await clock.advance(1);
    await stop;
    assert.deepEqual([watcher.state, asked?.aborted], ['stopped', true]);
  });
});
