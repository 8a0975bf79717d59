import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { flush } from '../support/clock.js';
import { worldPerTest } from './world.js';

describe('what is replaced', () => {
  const world = worldPerTest();

  /** Notes who is to leave, and lets it go when the test says so. */
  function leaving() {
    const asked: { readonly pid: number; readonly signal: AbortSignal; readonly go: () => void }[] = [];
    world().hooks.beforeReplaced.tap(
      'test',
      ({ pid }, signal) => new Promise<void>((go) => asked.push({ pid, signal, go })),
    );
    return asked;
  }

  it('may leave its clients to others before its signal, in a reload and alone', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    for (const replace of [
      () => world().arbiter.reload(watcher),
      () => watcher.replace(watcher.processes[0]!, 'old'),
    ]) {
      const [old] = watcher.processes;
      const operation = replace();
      await world().until(() => asked.at(-1)?.pid === old!.pid);
      assert.deepEqual([old!.stopping, watcher.processes.length], [undefined, 2]);
      assert.ok(!watcher.keeper.slots.serving.includes(old!));
      asked.at(-1)!.go();
      await operation.result;
      assert.equal(old!.exit?.reason, 'replaced');
    }
  });

  it('has for that as long as its stop may take', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0, graceful_timeout: 0.2 });
    await world().arbiter.reload(watcher).result;
    assert.deepEqual([asked.length, asked[0]!.signal.aborted], [1, true]);
  });

  it('is asked too where it is stopped before its successor starts', async () => {
    const asked = leaving();
    const watcher = await world().up({ singleton: true });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    assert.equal(watcher.processes.length, 1);
    asked[0]!.go();
    await reload.result;
  });

  it('may die while it leaves', async () => {
    const asked = leaving();
    const watcher = await world().up({ numprocesses: 2, ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    send(asked[0]!.pid, 9);
    await world().until(() => asked.length === 2);
    assert.ok(asked[0]!.signal.aborted);
    asked[1]!.go();
    await reload.result;
    assert.equal(watcher.processes.length, 2);
  });

  it('is not missed when its successor dies meanwhile: another one comes at once', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    const successor = watcher.keeper.slots.serving[0]!;
    send(successor.pid, 9);
    await world().until(() => watcher.keeper.slots.serving.some(({ pid }) => pid !== successor.pid));
    asked[0]!.go();
    await reload.result;
    assert.equal(watcher.processes.length, 1);
  });

  it('is stopped at once when the watcher is, without more of that', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    await watcher.stop().result;
    assert.deepEqual([asked[0]!.signal.aborted, watcher.processes.length], [true, 0]);
  });

  it('is counted rightly when fewer are asked for while it leaves', async () => {
    const asked = leaving();
    const watcher = await world().up({ numprocesses: 3, ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    void watcher.resize(2);
    await world().until(() => watcher.keeper.slots.serving.length === 2);
    for (let gone = 0; !reload.settled; await flush())
      for (const { go } of asked.slice(gone)) {
        gone++;
        go();
      }
    await flush();
    assert.equal(watcher.processes.length, 2);
  });
});
