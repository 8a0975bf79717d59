import assert from 'node:assert/strict';
import { sleeper, deaf, hasSignal, pidsOf, worldPerTest } from './world.js';

const isRefused = { code: 'ERR_ARBITER_STOPPING' };

describe('the arbiter while it stops', () => {
  const world = worldPerTest();

  it('begins nothing any more, whatever is asked for', async () => {
    const { arbiter } = world();
    const slow = await world().up({ name: 'slow', ...deaf, graceful_timeout: 0.3 });
    const quick = await world().up({ name: 'quick' });
    await world().until(() => pidsOf(slow).every((pid) => hasSignal(pid, 'SigIgn', 15)));
    const stopped = arbiter.stop();
    assert.throws(() => quick.start(), isRefused);
    assert.throws(() => quick.restart(), isRefused);
    assert.throws(() => quick.resize(3), isRefused);
    assert.throws(() => arbiter.reload(quick), isRefused);
    assert.throws(() => arbiter.add(sleeper({ name: 'new' })), isRefused);
    await stopped;
    assert.deepEqual([...slow.processes, ...quick.processes], []);
  });

  it('still lets a watcher be taken out, and waits for it', async () => {
    const { arbiter } = world();
    const slow = await world().up({ name: 'slow', ...deaf, graceful_timeout: 0.3 });
    await world().until(() => pidsOf(slow).every((pid) => hasSignal(pid, 'SigIgn', 15)));
    const removed = arbiter.remove('slow');
    await arbiter.stop();
    assert.deepEqual(slow.processes, []);
    await removed;
  });
});
