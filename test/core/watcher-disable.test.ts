import assert from 'node:assert/strict';
import { isError } from '../../core/errors.js';
import { deaf, hasSignal, pidsOf, worldPerTest } from './world.js';

const isDisabled = (error: unknown) => isError(error, 'ERR_WATCHER_DISABLED');

describe('disabling a watcher', () => {
  const world = worldPerTest();

  it('stops it, and refuses what would start it until it is enabled', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    await watcher.disable('by me', 'me');
    assert.deepEqual([watcher.state, watcher.reason, pidsOf(watcher)], ['disabled', 'by me', []]);
    assert.throws(() => watcher.start(), isDisabled);
    assert.throws(() => watcher.restart(), isDisabled);
    assert.throws(() => world().arbiter.reload(watcher), isDisabled);
    watcher.wake();
    await watcher.resize(3).result;
    await watcher.stop().result;
    assert.deepEqual([watcher.state, watcher.spec.numprocesses, pidsOf(watcher)], ['disabled', 3, []]);
    watcher.enable('you');
    assert.deepEqual([watcher.state, watcher.reason], ['stopped', 'enabled by you']);
    await watcher.start().result;
    assert.equal(pidsOf(watcher).length, 3);
  });

  it('takes one that rests out of service at once, and takes another reason', async () => {
    const watcher = world().add();
    const disabled = watcher.disable('by me');
    assert.equal(watcher.state, 'disabled');
    await disabled;
    assert.deepEqual(world().log, ['disabled']);
    await watcher.disable('by you');
    assert.deepEqual([watcher.state, watcher.reason, world().log], ['disabled', 'by you', ['disabled']]);
  });

  it('cancels a start that is under way, and a replacement does nothing', async () => {
    const watcher = world().add({ numprocesses: 2, warmup_delay: 600 });
    const starting = watcher.start();
    await world().until(() => watcher.processes.length === 1);
    const [process] = watcher.processes;
    const disabled = watcher.disable('by me');
    const replacement = watcher.replace(process!, 'too old');
    await disabled;
    await replacement.result;
    assert.deepEqual([starting.state, watcher.state, pidsOf(watcher)], ['cancelled', 'disabled', []]);
  });

  it('that is enabled while it still stops is stopped', async () => {
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.2 });
    await world().until(() => hasSignal(pidsOf(watcher)[0]!, 'SigIgn', 15));
    const disabled = watcher.disable('by me');
    await world().until(() => watcher.state === 'stopping');
    watcher.enable();
    const started = watcher.start();
    await disabled;
    assert.notEqual(watcher.state, 'disabled');
    await started.result;
    assert.equal(watcher.state, 'active');
  });

  it('keeps a start of all that had begun from starting it, also when it is enabled meanwhile', async () => {
    const { arbiter } = world();
    const [first, second] = ['first', 'second'].map((name, at) => world().add({ name, priority: -at }));
    world().hooks.beforeStart.tap('test', async (watcher) => {
      if (watcher !== first) return;
      await second!.disable('by me');
      second!.enable();
    });
    world().hooks.startAfter.tap('test', (edges) => new Map([...edges, ['second', ['first']]]));
    assert.deepEqual(await arbiter.startAll(arbiter.watchers), []);
    assert.deepEqual([first!.state, second!.state, pidsOf(second!)], ['active', 'stopped', []]);
  });

  it('leaves it out of a start and a reload of all, also when that had begun', async () => {
    const { arbiter } = world();
    const [first, second, third] = ['first', 'second', 'third'].map((name, at) => world().add({ name, priority: -at }));
    world().hooks.beforeStart.tap('test', (watcher) => {
      if (watcher === first) void second!.disable('by me');
      if (watcher === first) void third!.stop();
    });
    world().hooks.startAfter.tap('test', (edges) => new Map([...edges, ['second', ['first']], ['third', ['first']]]));
    assert.deepEqual(await arbiter.startAll(arbiter.watchers), []);
    assert.deepEqual([first!.state, second!.state, third!.state], ['active', 'disabled', 'stopped']);
    assert.deepEqual(await arbiter.reloadAll(arbiter.watchers), []);
    assert.deepEqual([second!.state, third!.state], ['disabled', 'active']);
  });
});
