import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { deaf, hasSignal, pidsOf, widsOf, worldPerTest } from './world.js';

const never = () => new Promise<never>(() => undefined);

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
