import assert from 'node:assert/strict';
import { worldPerTest } from './world.js';

describe('flapping by exit code', () => {
  const world = worldPerTest();

  it('does not restart what ended with a code of no_restart_exit_codes, until an operator does', async () => {
    await world().load();
    const options = { no_restart_exit_codes: ['78', 'SIGTERM'] };
    for (const [name, cmd, told] of [
      ['code', `sh -c 'exit 78'`, /^process \d+ exited with code 78 after/],
      ['signal', `sh -c 'kill -TERM $$'`, /^process \d+ killed by SIGTERM after/],
    ] as const) {
      const watcher = await world().up({ name, cmd, options });
      await world().until(() => watcher.state === 'completed');
      assert.match(watcher.reason, told);
      assert.equal(watcher.history.length, 1);
      void watcher.start();
      await world().until(() => watcher.history.length === 2 && watcher.state === 'completed');
    }
    assert.deepEqual(world().lines, []);
  });

  it('leaves the other places of a watcher alone then', async () => {
    await world().load();
    const cmd = `sh -c "[ $(circus.wid) = 2 ] && exit 78; exec sleep 600"`;
    const watcher = await world().up({ cmd, numprocesses: 3, options: { no_restart_exit_codes: '78' } });
    await world().until(() => watcher.processes.length === 2 && watcher.history.length === 1);
    await world().clock.advance(10_000);
    assert.deepEqual([watcher.state, watcher.processes.length, watcher.history.length], ['active', 2, 1]);
  });

  it('does not count an end with a code of success_exit_codes, nor 0 then', async () => {
    await world().load({ attempts: 1 });
    for (const code of [75, 0]) {
      const cmd = `sh -c 'exit ${code}'`;
      const watcher = await world().up({ name: `w${code}`, cmd, options: { success_exit_codes: '75' } });
      await world().until(() => watcher.history.length >= 4);
    }
    assert.deepEqual(world().lines, []);
    const counted = await world().up({ name: 'counted', cmd: `sh -c 'exit 0'` });
    await world().told(1);
    assert.equal(counted.history.length, 1);
  });

  it('leaves a watcher that runs once completed, and a start runs it again', async () => {
    await world().load();
    const options = { success_exit_codes: '3' };
    const watcher = await world().up({ cmd: `sh -c 'exit 3'`, respawn: false, options });
    await world().until(() => watcher.state === 'completed');
    void watcher.start();
    await world().until(() => watcher.history.length === 2 && watcher.state === 'completed');
    assert.deepEqual(world().lines, []);
  });
});
