import assert from 'node:assert/strict';
import { isError, type Watcher } from '#core';
import { optionsSchema } from '../../../plugins/flapping/options.js';
import { eventually } from '../../support/eventually.js';
import { worldPerTest } from './world.js';

describe('the plugin flapping', () => {
  const world = worldPerTest();

  /** Lets time go on to the end of each pause until the plugin has written so many lines. */
  async function sufferTill(count: number, watcher: Watcher): Promise<void> {
    const { lines, clock } = world();
    await eventually(async () => {
      await clock.advance(lines.length < count ? (world().pauses(watcher)[0] ?? 0) : 0);
      return lines.length >= count;
    });
    await clock.advance(0);
  }

  it('has the kernel pause before it tries again, and says so', async () => {
    await world().load();
    const watcher = await world().up();
    await world().told(1);
    assert.deepEqual(world().lines, ['crash: flapping detected: retry in 7s (attempt number 1)']);
    await world().until(() => watcher.state === 'retrying');
    assert.deepEqual(world().pauses(watcher), [7000]);
    assert.equal(watcher.history.length, 2);

    await world().clock.advance(6999);
    assert.equal(watcher.history.length, 2);
    await world().clock.advance(1);
    await world().until(() => watcher.history.length >= 3);
  });

  it('gives up after max_retry pauses, floor or no floor', async () => {
    await world().load({ retry_in: '3', max_retry: '4' });
    const watcher = await world().up();
    await sufferTill(5, watcher);
    assert.deepEqual(
      world().lines.map((line) => line.replace('crash: flapping detected: ', '')),
      [1, 2, 3, 4].map((attempt) => `retry in 3s (attempt number ${attempt})`).concat('reached max retry limit'),
    );
    await world().until(() => watcher.state === 'gave-up');
    assert.match(watcher.reason, /^gave up: process \d+ exited with code 1/);
    assert.equal(watcher.history.length, 10);
    assert.deepEqual(world().clock.pending, []);
  });

  it('begins anew when an operator starts it, given up or in the middle of a pause', async () => {
    await world().load({ max_retry: 1 });
    const watcher = await world().up();
    await sufferTill(2, watcher);
    await world().until(() => watcher.state === 'gave-up');
    void watcher.start();
    await world().told(3);
    assert.match(world().lines[2]!, /attempt number 1\)/);
    await world().until(() => watcher.state === 'retrying');
    void watcher.start();
    await world().told(4);
    assert.match(world().lines[3]!, /attempt number 1\)/);
  });

  it('does not count what an operator ends', async () => {
    await world().load();
    const watcher = await world().up({ cmd: 'sleep 600' });
    await world().until(() => watcher.state === 'active');
    for (let round = 0; round < 4; round++) {
      const [pid] = watcher.processes.map((process) => process.pid);
      const done = round % 2 === 0 ? watcher.restart().result : watcher.kill(watcher.processes);
      let over = false;
      void done.then(() => (over = true));
      await world().until(async () => {
        await world().clock.advance(100);
        return over;
      });
      await world().until(() => watcher.processes.length === 1 && watcher.processes[0]!.pid !== pid);
    }
    assert.deepEqual(world().lines, []);
    assert.equal(watcher.state, 'active');
  });

  it('has options of a watcher put over its own', async () => {
    await world().load({ retry_in: 7 });
    const own = await world().up({ name: 'own', options: { 'flapping.retry_in': '2.5', 'flapping.attempts': '1' } });
    const spared = await world().up({ name: 'spared', options: { 'flapping.active': 'False' } });
    const plain = await world().up({ name: 'plain' });
    await world().told(2);
    await world().until(() => own.state === 'retrying' && plain.state === 'retrying');
    assert.deepEqual([...world().lines].sort(), [
      'own: flapping detected: retry in 2.5s (attempt number 1)',
      'plain: flapping detected: retry in 7s (attempt number 1)',
    ]);
    assert.equal(own.history.length, 1);
    // The kernel's floor is all that slows this one down.
    await world().until(() => spared.history.length >= 4);
    await world().until(() => world().pauses(spared).length > 0);
    assert.ok(world().pauses(spared)[0]! <= 1000);
  });

  it('may judge only those that ask for it', async () => {
    await world().load({ active: 'no' });
    const watcher = await world().up({ name: 'own', options: { 'flapping.active': 'yes' } });
    const plain = await world().up({ name: 'plain' });
    await world().told(1);
    await world().until(() => plain.history.length >= 4);
    assert.equal(watcher.name, 'own');
    assert.equal(world().lines.length, 1);
  });

  it('judges each place of a watcher by itself: siblings run on', async () => {
    await world().load({ max_retry: 0, attempts: 1 });
    const watcher = await world().up({ cmd: 'sleep 600', numprocesses: 3 });
    await world().until(() => watcher.processes.length === 3);
    const [victim, ...others] = watcher.processes;
    process.kill(victim!.pid, 'SIGKILL');
    await world().told(1);
    assert.equal(world().lines[0], 'crash: flapping detected: reached max retry limit');
    assert.deepEqual(
      watcher.processes.map(({ pid }) => pid),
      others.map(({ pid }) => pid),
    );
    assert.equal(watcher.state, 'active');
    void watcher.start();
    await world().until(() => watcher.processes.length === 3);
  });

  it('says nothing where no process is to follow', async () => {
    await world().load({ attempts: 1 });
    const watcher = await world().up({ respawn: false });
    await world().until(() => watcher.state === 'completed');
    assert.deepEqual(world().lines, []);
  });

  it('remembers over an upgrade what it knew, and forgets who is gone', async () => {
    await world().load({ max_retry: 3, retry_in: 1 });
    const watcher = await world().up();
    await sufferTill(2, watcher);
    await world().until(() => watcher.state === 'retrying');
    const kept = JSON.parse(JSON.stringify(world().host.snapshot())) as { readonly flapping: unknown };
    assert.deepEqual(kept, { flapping: { crash: { 1: { lives: [], tries: 2 } } } });

    await world().host.unload('flapping');
    await world().load({ max_retry: 3, retry_in: 1 }, kept.flapping);
    await sufferTill(3, watcher);
    assert.match(world().lines[2]!, /attempt number 3\)/);

    let removed = false;
    void world()
      .arbiter.remove('crash')
      .then(() => (removed = true));
    await world().until(() => removed);
    assert.deepEqual(world().host.snapshot(), { flapping: {} });
  });

  it('takes times with units', async () => {
    const read = await optionsSchema['~standard'].validate({ window: '1h30m', retry_in: '500ms' });
    assert.ok(!read.issues);
    assert.deepEqual([read.value.window, read.value.retry_in], [5_400_000, 500]);
  });

  it('is not loaded with options that mean nothing', async () => {
    const refusal = async (options: Readonly<Record<string, unknown>>) => {
      const [failure] = await world().load(options);
      assert.ok(isError(failure?.error, 'ERR_PLUGIN_OPTIONS'));
      return failure.error.message;
    };
    const plugin = 'plugin "flapping": option';
    assert.equal(await refusal({ attempts: 'two' }), `${plugin} "attempts": "two" is not a whole number`);
    assert.equal(await refusal({ attempts: '1.5' }), `${plugin} "attempts": "1.5" is not a whole number`);
    assert.equal(await refusal({ attempts: 0 }), `${plugin} "attempts": it is at least 1`);
    assert.equal(await refusal({ max_retry: -2 }), `${plugin} "max_retry": it is at least -1`);
    assert.equal(await refusal({ window: 'x' }), `${plugin} "window": "x" is not a number of seconds`);
    assert.equal(await refusal({ window: '2 parsecs' }), `${plugin} "window": "2 parsecs" is not a number of seconds`);
    assert.equal(await refusal({ retry_in: '-1' }), `${plugin} "retry_in": -1 is less than no time`);
    assert.equal(await refusal({ active: 'maybe' }), `${plugin} "active": "maybe" is not true or false`);
    assert.match(await refusal({ widow: 1 }), /option "widow"/);
    assert.deepEqual(world().host.plugins, []);
  });

  it('refuses a watcher whose own options mean nothing', async () => {
    await world().load();
    const refused = (name: string, value: string, why: string) =>
      assert.rejects(async () => world().up({ options: { [`flapping.${name}`]: value } }), {
        message: `hook "watcherSpec" refused: flapping (${why})`,
      });
    await refused('window', 'wide', '"flapping.window" has a wrong value: "wide" is not a number of seconds');
    await refused('windw', '10', '"flapping.windw" is no option (did you mean "flapping.window"?)');
  });
});
