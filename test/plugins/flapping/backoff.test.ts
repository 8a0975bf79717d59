import assert from 'node:assert/strict';
import { definePlugin, type Watcher } from '#core';
import { temporaryPerTest } from '../../support/temporary.js';
import { worldPerTest } from './world.js';

describe('flapping with growing pauses', () => {
  const world = worldPerTest();
  const temporary = temporaryPerTest();

  /** When each place was started, in ms of the clock. */
  async function spawnTimes(): Promise<ReadonlyMap<number, number[]>> {
    const times = new Map<number, number[]>();
    const plugin = definePlugin({
      name: 'spy',
      apply({ hooks }) {
        hooks.spawned.tap('spy', ({ wid }) => void times.set(wid, [...(times.get(wid) ?? []), world().clock.now()]));
      },
    });
    await world().host.load([{ plugin }]);
    return times;
  }

  /** Resolves when nothing of it runs, and all its places have a pause. */
  const paused = (watcher: Watcher) =>
    world().until(() => watcher.processes.length === 0 && world().pauses(watcher).length === watcher.spec.numprocesses);

  /** Lets so many ms pass for a watcher of which nothing stays alive. */
  async function suffer(watcher: Watcher, ms: number): Promise<void> {
    const { clock } = world();
    for (const end = clock.now() + ms; clock.now() < end;) {
      await paused(watcher);
      await clock.advance(Math.min(end - clock.now(), ...world().pauses(watcher)));
    }
  }

  it('survives ten minutes without a database, with no more than a try per 15 s in the end, and is there when that is', async () => {
    const { clock } = world();
    await world().load({ policy: 'backoff' });
    const times = await spawnTimes();
    const database = `${temporary.path}/database`;
    const cmd = `sh -c "test -e ${database} || exit 1; exec sleep 600"`;
    const watcher = await world().up({ name: 'worker', cmd, numprocesses: 3 });
    const begin = clock.now();
    await suffer(watcher, 600_000);
    assert.equal(watcher.state, 'retrying');
    assert.deepEqual([...times.keys()].sort(), [1, 2, 3]);
    for (const all of times.values()) {
      assert.ok(all.length >= 7, `${all.length} tries`);
      const late = all.filter((time) => time > begin + 60_000);
      const gaps = late.slice(1).map((time, at) => time - late[at]!);
      assert.ok(Math.min(...gaps) >= 15_000, `gaps of ${gaps.join(', ')} ms`);
    }
    // One is tried each minute, and one that has recovered brings the others.
    temporary.write('database', '');
    await paused(watcher);
    await clock.advance(Math.min(...world().pauses(watcher)));
    assert.ok(clock.now() - begin <= 660_000);
    await world().until(() => watcher.state === 'active');
    await clock.advance(29_999);
    assert.equal(watcher.processes.length, 1);
    await clock.advance(1);
    await world().until(() => watcher.processes.length === 2);
    await clock.advance(3500);
    await world().until(() => watcher.processes.length === 3);
    await clock.advance(30_000);
    assert.deepEqual(world().host.snapshot(), { flapping: {} });
    assert.equal(world().lines.filter((line) => /^worker: place \d has recovered$/.test(line)).length, 3);
  });

  it('makes the pauses that it says, and says how many are left', async () => {
    const limits = { backoff: 3, retry_in: 2, retry_max: 10, jitter: 0, max_retry: 3, ['then']: 'give_up' };
    await world().load(limits);
    const watcher = await world().up();
    for (const pause of [2000, 6000, 10_000]) {
      await paused(watcher);
      assert.deepEqual(world().pauses(watcher), [pause]);
      await world().clock.advance(pause);
    }
    await world().until(() => watcher.state === 'gave-up');
    assert.match(watcher.reason, /^gave up: process \d+ exited with code 1 .*, as plugin "flapping" decided$/);
    assert.deepEqual(world().lines, [
      'crash: place 1 has failed again: 2 of 3 left, next try in 2.0 s',
      'crash: place 1 has failed again: 1 of 3 left, next try in 6.0 s',
      'crash: place 1 has failed again: 0 of 3 left, next try in 10 s',
      'crash: place 1 has failed again: no tries are left, it gives up',
    ]);
  });

  it('takes up to the jitter off a pause', async () => {
    await world().load({ jitter: 1, attempts: 1 });
    const watcher = await world().up({ numprocesses: 8 });
    await paused(watcher);
    const pauses = world().pauses(watcher);
    assert.ok(pauses.every((pause) => pause >= 0 && pause <= 7000));
    assert.ok(new Set(pauses).size > 1);
  });

  it('tries one place of a half-open watcher at a time, each in its turn', async () => {
    await world().load({ attempts: 1, max_retry: 0, retry_later: 60 });
    const times = await spawnTimes();
    const watcher = await world().up({ numprocesses: 3 });
    await paused(watcher);
    const sorted = () =>
      world()
        .pauses(watcher)
        .toSorted((a, b) => a - b);
    assert.deepEqual(sorted(), [60_000, 120_000, 180_000]);
    await suffer(watcher, 360_000);
    await paused(watcher);
    assert.deepEqual(sorted(), [60_000, 120_000, 180_000]);
    const begin = Math.min(...[...times.values()].flat());
    const tries = [...times.values()].flat().filter((time) => time > begin);
    assert.deepEqual(
      tries.toSorted((a, b) => a - b).map((time) => time - begin),
      [1, 2, 3, 4, 5, 6].map((minute) => minute * 60_000),
    );
    for (const all of times.values()) assert.equal(all.length, 3);
  });

  it('counts each place for itself, and lets it recover', async () => {
    const { clock } = world();
    await world().load({ policy: 'backoff', jitter: 0, attempts: 1 });
    const watcher = await world().up({ cmd: 'sleep 600', numprocesses: 2 });
    await world().until(() => watcher.processes.length === 2);
    process.kill(watcher.processes[0]!.pid, 'SIGKILL');
    await world().told(1);
    assert.equal(watcher.processes.length, 1);
    await world().until(() => world().pauses(watcher).length === 1);
    await clock.advance(7000);
    await world().until(() => watcher.processes.length === 2);
    await clock.advance(29_999);
    assert.equal(world().lines.length, 1);
    await clock.advance(1);
    assert.equal(world().lines[1], 'crash: place 1 has recovered');
    assert.deepEqual(world().host.snapshot(), { flapping: {} });
  });

  it('does not count what an operator ends, replaces or signals', async () => {
    const { clock } = world();
    await world().load({ policy: 'backoff', attempts: 1 });
    const watcher = await world().up({ cmd: 'sleep 600', copy_env: true });
    const ways: readonly (() => unknown)[] = [
      () => watcher.kill(watcher.processes),
      () => watcher.processes[0]!.signal(15),
      () => watcher.processes[0]!.signal(9),
      () => watcher.restart(),
      () => world().arbiter.reload(watcher),
      () => world().arbiter.reload(watcher, { sequential: true }),
      () => watcher.replace(watcher.processes[0]!, 'too old'),
      () => void watcher.stop().result.then(() => watcher.start()),
    ];
    for (const way of ways) {
      await world().until(() => watcher.processes.length === 1 && watcher.queue.operations.length === 0);
      const { pid } = watcher.processes[0]!;
      void way();
      await world().until(async () => {
        await clock.advance(100);
        return watcher.processes.length === 1 && watcher.processes[0]!.pid !== pid;
      });
    }
    assert.deepEqual(world().lines, []);
    assert.deepEqual(world().host.snapshot(), { flapping: {} });
    // The same from outside is a failure.
    process.kill(watcher.processes[0]!.pid, 'SIGTERM');
    await world().told(1);
  });

  it('forgets the failures of a place whose process was replaced', async () => {
    const { clock } = world();
    await world().load({ policy: 'backoff', attempts: 1, jitter: 0 });
    const watcher = await world().up({ cmd: 'sleep 600' });
    await world().until(() => watcher.processes.length === 1);
    process.kill(watcher.processes[0]!.pid, 'SIGKILL');
    await world().until(() => world().pauses(watcher).length === 1);
    await clock.advance(7000);
    await world().until(() => watcher.processes.length === 1);
    assert.notDeepEqual(world().host.snapshot(), { flapping: {} });
    void world().arbiter.reload(watcher);
    await world().until(async () => {
      await clock.advance(100);
      return JSON.stringify(world().host.snapshot()) === '{"flapping":{}}';
    });
  });

  it('goes on after an upgrade where it was', async () => {
    const { clock } = world();
    await world().load({ policy: 'backoff', attempts: 1, jitter: 0 });
    const watcher = await world().up({ cmd: 'sleep 600' });
    await world().until(() => watcher.processes.length === 1);
    process.kill(watcher.processes[0]!.pid, 'SIGKILL');
    await world().until(() => world().pauses(watcher).length === 1);
    await clock.advance(7000);
    await world().until(() => watcher.processes.length === 1);
    await clock.advance(20_000);
    const { flapping } = world().host.snapshot();
    assert.deepEqual(flapping, { crash: { 1: { lives: [0], tries: 1 } } });
    await world().host.unload('flapping');
    await world().load({ policy: 'backoff' }, flapping);
    await clock.advance(9999);
    assert.equal(world().lines.length, 1);
    await clock.advance(1);
    assert.equal(world().lines[1], 'crash: place 1 has recovered');
  });

  it('judges only watchers that ask for it, where it should', async () => {
    await world().load({ only_asked: 'True' });
    const own = await world().up({ name: 'own', options: { 'flapping.retry_max': 30 } });
    const other = await world().up({ name: 'other' });
    await paused(own);
    await world().until(() => other.history.length >= 4);
    assert.ok(world().lines.every((line) => line.startsWith('own: place 1 has failed again: 4 of 5 left')));
    assert.equal(world().lines.length, 1);
  });
});
