import assert from 'node:assert/strict';
import type { Process, Watcher } from '#core';
import { worldPerTest } from './world.js';

describe('processes that get too old', () => {
  const world = worldPerTest();
  const pids = ({ processes }: Watcher) => processes.map(({ pid }) => pid);
  const reasons = ({ history }: Watcher) => history.map(({ exit }) => exit.why ?? exit.reason);

  /** Answers the question whether a process that comes from now on is ready when the test says so. */
  function gate() {
    const open: { readonly process: Process; answer(ready: boolean): void }[] = [];
    world().hooks.ready.tap('gate', (process) => new Promise((answer) => open.push({ process, answer })));
    return open;
  }

  it('have one timer each, at a time of their own within the variance; nothing else is timed', async () => {
    await world().up({ max_age_variance: 50 }, { numprocesses: 20 });
    const { pending } = world().clock;
    assert.equal(pending.length, 20);
    assert.ok(pending.every((left) => left >= 100_000 && left <= 150_000));
    assert.ok(new Set(pending).size > 1, 'all at once');
  });

  it('are not timed where the age is 0', async () => {
    await world().up({ max_age: 0 });
    assert.deepEqual(world().clock.pending, []);
  });

  it('are replaced when the successor is ready, and not signalled before', async () => {
    const watcher = await world().up();
    const [old] = watcher.processes;
    const open = gate();
    await world().clock.advance(99_999);
    assert.equal(open.length, 0);
    await world().clock.advance(1);
    await world().until(() => open.length === 1);
    assert.deepEqual([watcher.processes.length, old!.stopping, open[0]!.process.wid], [2, undefined, 2]);
    open[0]!.answer(true);
    await world().until(() => watcher.processes.length === 1 && !old!.alive);
    assert.deepEqual(pids(watcher), [open[0]!.process.pid]);
    assert.deepEqual(reasons(watcher), ['too old']);
    assert.equal([...world().arbiter.operations.values()].at(-1)!.by, 'plugin max-age');
    await world().until(() => world().clock.pending.length === 1);
  });

  it('are replaced one after the other, also when all are too old at once', async () => {
    const watcher = await world().up({}, { numprocesses: 3 });
    const before = pids(watcher);
    const open = gate();
    await world().clock.advance(100_000);
    for (const round of [0, 1, 2]) {
      await world().until(() => open.length === round + 1);
      assert.equal(watcher.processes.filter(({ stopping }) => !stopping).length, 4);
      open[round]!.answer(true);
    }
    await world().until(() => watcher.history.length === 3 && watcher.processes.length === 3);
    assert.ok(watcher.processes.every(({ pid }) => !before.includes(pid)));
    assert.equal(watcher.state, 'active');
  });

  it('stay when the successor fails, and it is tried again after a pause', async () => {
    const watcher = await world().up();
    const before = pids(watcher);
    const open = gate();
    await world().clock.advance(100_000);
    await world().until(() => open.length === 1);
    open[0]!.answer(false);
    await world().until(() => world().lines.length === 1);
    assert.match(world().lines[0]!, /^web: process \d+ is too old, and could not be replaced: .*did not become ready/);
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual([pids(watcher), world().clock.pending], [before, [30_000]]);
    await world().clock.advance(30_000);
    await world().until(() => open.length === 2);
    open[1]!.answer(true);
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual(reasons(watcher), ['refused', 'too old']);
  });

  it('of a singleton are stopped before the successor starts', async () => {
    const watcher = await world().up({}, { singleton: true });
    let most = 0;
    world().hooks.spawned.tap('test', () => void (most = Math.max(most, watcher.processes.length)));
    const [old] = pids(watcher);
    await world().clock.advance(100_000);
    await world().until(() => watcher.processes.length === 1 && pids(watcher)[0] !== old);
    assert.deepEqual([most, reasons(watcher)], [1, ['too old']]);
  });

  it('are counted from their start when the age is set while they run', async () => {
    const watcher = await world().up({ max_age: 0 }, { numprocesses: 2 });
    const before = pids(watcher);
    await world().clock.advance(40_000);
    world().set(watcher, { max_age: 50 });
    assert.deepEqual(world().clock.pending, [10_000, 10_000]);
    world().set(watcher, { max_age: 30 });
    await world().until(() => watcher.history.length === 2);
    assert.ok(pids(watcher).every((pid) => !before.includes(pid)));
    await world().until(() => world().clock.pending.length === 2);
    world().set(watcher, { max_age: 0 });
    assert.deepEqual(world().clock.pending, []);
  });

  it('keep their share of the variance when that is changed', async () => {
    const watcher = await world().up({ max_age_variance: 100 });
    const share = world().clock.pending[0]! - 100_000;
    world().set(watcher, { max_age_variance: 10 });
    assert.ok(Math.abs(world().clock.pending[0]! - 100_000 - share / 10) < 0.001);
  });

  it('stay when the age is raised while a successor is on its way', async () => {
    const watcher = await world().up();
    const before = pids(watcher);
    const open = gate();
    await world().clock.advance(100_000);
    await world().until(() => open.length === 1);
    world().set(watcher, { max_age: 1000 });
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual([pids(watcher), reasons(watcher)], [before, ['refused']]);
    await world().until(() => world().clock.pending.length === 1);
    assert.deepEqual(world().clock.pending, [900_000]);
  });

  it('with a value that is none are refused', async () => {
    const watcher = await world().up();
    assert.throws(
      () => world().set(watcher, { max_age: -1 }),
      /"max_age" must be a whole number of seconds, and is -1/,
    );
    assert.equal(watcher.spec.options['max_age'], 100);
  });
});

describe('whoever wants something else meanwhile', () => {
  const world = worldPerTest();

  /** A watcher with a successor of its old process that is never ready. */
  async function midway() {
    const watcher = await world().up();
    const [old] = watcher.processes;
    let waiting = 0;
    let open = false;
    world().hooks.ready.tap('gate', () => (open ? undefined : new Promise(() => waiting++)));
    await world().clock.advance(100_000);
    await world().until(() => waiting === 1);
    return { watcher, old: old!, letIn: () => (open = true) };
  }

  it('wins by a stop', async () => {
    const { watcher } = await midway();
    await world().done(watcher.stop());
    assert.deepEqual([watcher.state, watcher.processes], ['stopped', []]);
    await world().until(() => world().clock.pending.length === 0);
  });

  it('wins by a reload', async () => {
    const { watcher, old, letIn } = await midway();
    letIn();
    await world().done(world().arbiter.reload(watcher));
    const [replacement, reload] = [...world().arbiter.operations.values()].slice(-2);
    assert.deepEqual(
      [replacement!.kind, replacement!.state, reload!.kind, reload!.state],
      ['replace', 'cancelled', 'reload', 'done'],
    );
    assert.match(replacement!.reason!, /was cancelled: reload by operator$/);
    assert.equal(watcher.history.find(({ pid }) => pid === old.pid)!.exit.why, undefined);
    assert.equal(watcher.processes.length, 1);
    assert.equal(world().lines.length, 0);
  });

  it('wins by a restart', async () => {
    const { watcher, old, letIn } = await midway();
    letIn();
    await world().done(watcher.restart());
    assert.deepEqual([watcher.state, watcher.processes.length, old.alive], ['active', 1, false]);
  });

  it('wins by taking the plugin out: nothing is timed or replaced any more', async () => {
    const { watcher, old } = await midway();
    await world().host.unload('max-age');
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual([watcher.processes, world().clock.pending], [[old], []]);
    await world().load();
    // It is too old already.
    await world().until(() => watcher.processes.length === 2);
  });

  it('wins by taking the watcher out: what runs on is left alone', async () => {
    const watcher = await world().up();
    const [old] = watcher.processes;
    await world().arbiter.remove('web', { nostop: true });
    await world().clock.advance(200_000);
    assert.deepEqual([old!.alive, old!.stopping], [true, undefined]);
    await watcher.kill([old!]);
  });
});
