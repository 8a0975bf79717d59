import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { flush } from '../support/clock.js';
import { see } from '../support/proc.js';
import { deaf, hasSignal, pidsOf, worldPerTest } from './world.js';

describe('the watchers of an arbiter', () => {
  const world = worldPerTest();

  it('are found without regard to case, and no two names are alike', async () => {
    const { arbiter } = world();
    const watcher = world().add({ name: 'Web' });
    assert.equal(arbiter.get('wEB'), watcher);
    assert.equal(arbiter.find('nobody'), undefined);
    assert.throws(() => arbiter.get('nobody'), {
      code: 'ERR_WATCHER_UNKNOWN',
      message: 'watcher "nobody" is not there',
    });
    assert.throws(() => world().add({ name: 'wEb' }), { code: 'ERR_WATCHER_DUPLICATE' });
  });

  it('come and go, and that is told', async () => {
    const { arbiter, hooks } = world();
    const told: string[] = [];
    hooks.watcherAdded.tap('test', ({ name }) => void told.push(`+${name}`));
    hooks.watcherRemoved.tap('test', ({ name }) => void told.push(`-${name}`));
    const watcher = await world().up({ name: 'a' });
    const [pid] = pidsOf(watcher);
    await arbiter.remove('A');
    assert.deepEqual([told, arbiter.watchers, see(pid!)], [['+a', '-a'], [], undefined]);
    await assert.rejects(arbiter.remove('a'), { code: 'ERR_WATCHER_UNKNOWN' });
  });

  it('that are still being taken out are waited for by the stop', async () => {
    const { arbiter } = world();
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.2 });
    const [pid] = pidsOf(watcher);
    await world().until(() => hasSignal(pid!, 'SigIgn', 15));
    const removing = arbiter.remove('sleeper');
    await arbiter.stop();
    assert.equal(see(pid!), undefined);
    await removing;
  });

  it('can be taken out and left running', async () => {
    const { arbiter } = world();
    const watcher = await world().up({ numprocesses: 2 });
    const [one, other] = pidsOf(watcher);
    await arbiter.remove('sleeper', { nostop: true });
    send(one!, 9);
    await world().until(() => watcher.processes.length === 1);
    await flush();
    assert.deepEqual(pidsOf(watcher), [other]);
    await arbiter.stop();
    assert.equal(see(other!)?.zombie, false);
    send(other!, 9);
    await world().until(() => watcher.processes.length === 0);
  });

  it('are what plugins make of their specs, or are not added', () => {
    const { hooks } = world().plugin('editor');
    hooks.watcherSpec.tap('editor', (spec) => {
      if (spec.name === 'bad') throw new Error('no such key');
      return { ...spec, numprocesses: 3 };
    });
    assert.equal(world().add().spec.numprocesses, 3);
    assert.throws(() => world().add({ name: 'bad' }), {
      code: 'ERR_HOOK_REFUSED',
      message: 'hook "watcherSpec" refused: editor (no such key)',
    });
    assert.equal(world().arbiter.find('bad'), undefined);
  });

  it('are reloaded together, along the order', async () => {
    const { arbiter } = world();
    world().add({ name: 'a', ready_after: 0 });
    world().add({ name: 'b', ready_after: 0 });
    await arbiter.start();
    const before = arbiter.watchers.flatMap(pidsOf);
    assert.deepEqual(await arbiter.reloadAll(arbiter.watchers), []);
    assert.ok(!arbiter.watchers.flatMap(pidsOf).some((pid) => before.includes(pid)));
  });

  it('have their operations kept: those under way, and the last ones', async () => {
    const { arbiter } = world();
    const watcher = await world().up();
    const told: string[] = [];
    world().hooks.operationChanged.tap('test', ({ kind, state }) => void told.push(`${kind} ${state}`));
    const operation = watcher.start('me');
    assert.equal(arbiter.operations.get(operation.id), operation);
    await operation.result;
    assert.deepEqual([told, operation.by], [['start queued', 'start running', 'start done'], 'me']);
    for (let round = 0; round < 150; round++) await watcher.start().result;
    assert.ok(arbiter.operations.size <= 101 && !arbiter.operations.has(operation.id));
  });
});

describe('a watcher with keys of a plugin', () => {
  const world = worldPerTest();
  const limited = { name: 'limited', needs: ['limits'] };

  it('waits for the plugin, says so, and starts when it comes', async () => {
    const { arbiter } = world();
    const watcher = world().add(limited);
    await arbiter.start();
    assert.deepEqual([watcher.state, watcher.wanted, watcher.processes.length], ['waiting', 'up', 0]);
    assert.equal(watcher.reason, 'it has keys of plugin "limits", which is not loaded: without it, it is not started');
    arbiter.plugins.add('limits');
    watcher.wake();
    await world().until(() => watcher.state === 'active');
    await watcher.stop().result;
    watcher.wake();
    await flush();
    assert.equal(watcher.state, 'stopped');
  });

  it('goes on without it, but is not given another process, nor a new one by a reload', async () => {
    const { arbiter } = world();
    arbiter.plugins.add('limits');
    const watcher = await world().up({ ...limited, numprocesses: 2 });
    arbiter.plugins.delete('limits');
    const [one, other] = pidsOf(watcher);
    send(one!, 9);
    await world().until(() => watcher.history.length === 1);
    await assert.rejects(arbiter.reload(watcher).result, { code: 'ERR_PLUGIN_UNKNOWN' });
    await flush();
    assert.deepEqual([watcher.state, pidsOf(watcher)], ['active', [other]]);
    send(other!, 9);
    await world().until(() => watcher.state === 'waiting');
    arbiter.plugins.add('limits');
    watcher.wake();
    await world().until(() => watcher.processes.length === 2);
  });

  it('is not started when the plugin goes away just before', async () => {
    const { arbiter } = world();
    const { hooks } = world().plugin('slow');
    hooks.spawnSpec.tap('slow', () => void arbiter.plugins.delete('limits'));
    arbiter.plugins.add('limits');
    const watcher = world().add(limited);
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.processes.length, watcher.history], ['waiting', 0, []]);
  });
});
