import assert from 'node:assert/strict';
import type { Watcher } from '#core';
import { Brake, refilled } from '#plugins/flapping/brake.js';
import { FakeClock } from '../../support/clock.js';
import { worldPerTest } from './world.js';

describe('the bucket of the brake', () => {
  it('fills with time, up to what comes in a second', () => {
    assert.deepEqual(refilled({ tokens: 0, at: 0 }, 100, 20), { tokens: 2, at: 100 });
    assert.deepEqual(refilled({ tokens: 19, at: 0 }, 9000, 20), { tokens: 20, at: 9000 });
    assert.deepEqual(refilled({ tokens: 0, at: 0 }, 5000, 1), { tokens: 1, at: 5000 });
  });
});

describe('the brake', () => {
  let clock: FakeClock;
  let passed: string[];
  const never = new AbortController().signal;
  beforeEach(() => {
    clock = new FakeClock();
    passed = [];
  });
  afterEach(() => assert.deepEqual(clock.pending, []));

  /** Restarts places of a watcher one after the other, as the kernel does. */
  async function restart(brake: Brake, watcher: string, places: number, signal = never): Promise<void> {
    for (let wid = 1; wid <= places; wid++) brake.expect(watcher, wid);
    for (let wid = 1; wid <= places; wid++) {
      await brake.pass(watcher, signal);
      if (signal.aborted) return;
      passed.push(watcher);
      brake.started(watcher, wid);
    }
  }

  it('lets a second’s worth through, and then so many a second', async () => {
    const brake = new Brake(clock, 5);
    const done = restart(brake, 'a', 12);
    await clock.advance(0);
    assert.equal(passed.length, 5);
    await clock.advance(1000);
    assert.equal(passed.length, 10);
    await clock.advance(400);
    assert.equal(passed.length, 12);
    await done;
  });

  it('gives each watcher its turn', async () => {
    const brake = new Brake(clock, 2);
    const many = restart(brake, 'many', 20);
    await clock.advance(0);
    const few = restart(brake, 'few', 2);
    await clock.advance(2000);
    assert.deepEqual(passed, ['many', 'many', 'many', 'few', 'many', 'few']);
    await clock.advance(10_000);
    await Promise.all([many, few]);
    assert.equal(passed.length, 22);
  });

  it('holds up nothing that was not announced', async () => {
    const brake = new Brake(clock, 1);
    const done = restart(brake, 'a', 2);
    await clock.advance(0);
    assert.deepEqual([brake.holds('a'), brake.holds('b')], [true, false]);
    await brake.pass('b', never);
    await clock.advance(1000);
    await done;
    assert.ok(!brake.holds('a'));
  });

  it('lets go of a watcher that somebody takes in hand, that is stopped, and of all when it closes', async () => {
    const brake = new Brake(clock, 1);
    const stopped = new AbortController();
    const all = [
      restart(brake, 'a', 3),
      restart(brake, 'b', 1),
      restart(brake, 'c', 1, stopped.signal),
      restart(brake, 'd', 1),
    ];
    await clock.advance(0);
    assert.deepEqual(passed, ['a']);
    brake.release('b');
    await clock.advance(0);
    assert.deepEqual(passed, ['a', 'b']);
    stopped.abort();
    await all[2];
    assert.ok(!brake.holds('c'));
    brake.release('a');
    await all[0];
    assert.deepEqual(passed, ['a', 'b', 'a', 'a']);
    brake.close();
    await Promise.all(all);
    assert.deepEqual(passed, ['a', 'b', 'a', 'a', 'd']);
  });

  it('is none with 0', async () => {
    await restart(new Brake(clock, 0), 'a', 1000);
    assert.equal(passed.length, 1000);
  });
});

describe('the brake on restarts', () => {
  const world = worldPerTest();
  const kill = (watcher: Watcher) => {
    for (const { pid } of watcher.processes) process.kill(pid, 'SIGKILL');
  };

  it('lets so many restarts a second begin, and gives each watcher its turn', async () => {
    const { clock } = world();
    await world().load({ restarts_per_second: 2, active: false });
    const many = await world().up({ name: 'many', cmd: 'sleep 600', numprocesses: 8 });
    const few = await world().up({ name: 'few', cmd: 'sleep 600' });
    const living = () => [many.processes.length, few.processes.length];
    await world().until(() => living().join() === '8,1');
    await clock.advance(10_000);
    kill(many);
    await world().until(() => many.history.length === 8 && many.processes.length === 2);
    kill(few);
    await world().until(() => few.history.length === 1);
    await clock.advance(1000);
    await world().until(() => living().join() === '3,1');
    await clock.advance(1000);
    await world().until(() => living().join() === '5,1');
    await clock.advance(1500);
    await world().until(() => living().join() === '8,1');
  });

  it('does not hold up what an operator starts', async () => {
    await world().load({ restarts_per_second: 1, active: false });
    const watcher = await world().up({ cmd: 'sleep 600', numprocesses: 5 });
    await world().until(() => watcher.processes.length === 5);
    await world().clock.advance(10_000);
    kill(watcher);
    await world().until(() => watcher.history.length === 5 && watcher.processes.length === 1);
    void watcher.start();
    await world().until(() => watcher.processes.length === 5);
  });
});
