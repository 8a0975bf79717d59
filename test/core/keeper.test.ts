import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import type { Watcher } from '../../core/watcher.js';
import { FakeClock, flush } from '../support/clock.js';
import { temporaryPerTest } from '../support/temporary.js';
import { pidsOf, widsOf, worldPerTest } from './world.js';

const spawnsIn = (log: readonly string[]) => log.filter((entry) => entry.startsWith('spawned')).length;

describe('keeping processes alive', () => {
  const world = worldPerTest();

  it('respawns a process that exits, with its number', async () => {
    const watcher = await world().up({ numprocesses: 3 });
    const [first, second, third] = pidsOf(watcher);
    send(second!, 9);
    await world().until(() => watcher.processes.length === 3 && !pidsOf(watcher).includes(second!));
    assert.deepEqual(widsOf(watcher), [1, 3, 2]);
    assert.deepEqual(pidsOf(watcher).slice(0, 2), [first, third]);
    assert.equal(watcher.history[0]?.pid, second);
    assert.equal(watcher.history[0]?.exit.signal, 9);
  });

  it('respawns at once', async () => {
    const watcher = await world().up();
    const [pid] = pidsOf(watcher);
    const begun = performance.now();
    send(pid!, 9);
    await new Promise<void>((resolve) => world().hooks.spawned.tap('test', () => resolve()));
    assert.ok(performance.now() - begun < 500);
  });

  it('replaces all that die at the same moment', async () => {
    const watcher = await world().up({ numprocesses: 20 });
    const before = pidsOf(watcher);
    for (const pid of before) send(pid, 9);
    await world().until(() => watcher.processes.length === 20 && !pidsOf(watcher).some((pid) => before.includes(pid)));
    assert.equal(watcher.state, 'active');
    assert.deepEqual(
      [...widsOf(watcher)].sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
  });

  it('follows a killed process by another, without a verdict or a pause', async () => {
    let asked = 0;
    world().hooks.respawn.tap('test', () => void asked++);
    const watcher = await world().up({ numprocesses: 2 });
    for (let round = 0; round < 6; round++) {
      const [oldest] = watcher.processes;
      await watcher.kill([oldest!]);
      await world().until(() => watcher.processes.length === 2);
      assert.equal(oldest!.exit?.reason, 'killed');
    }
    assert.equal(asked, 0);
  });

  it('keeps the last ends, and no more than 20 of them', async () => {
    const watcher = await world().up({ numprocesses: 25 });
    await watcher.resize(0).result;
    assert.equal(watcher.history.length, 20);
    assert.ok(watcher.history.every(({ exit }) => exit.reason === 'resized'));
  });
});

describe('the floor under respawns, in a watcher', () => {
  let clock: FakeClock;
  const world = worldPerTest(() => (clock = new FakeClock()));
  afterEach(() => assert.deepEqual(clock.pending, []));
  const exiting = { cmd: 'false', max_retry: 5 };

  it('starts what ends at once again at once three times, then once a second', async () => {
    const watcher = await world().up(exiting);
    await world().until(() => spawnsIn(world().log) === 4 && watcher.keeper.slots.retries.length > 0);
    assert.deepEqual(clock.pending, [1000]);
    assert.match(watcher.reason, /^process \d+ exited with code 1 after 0\.0 s$/);
    const retries = watcher.keeper.slots.retries.map(({ wid, at, reason }) => ({ wid, at, reason }));
    assert.deepEqual(retries, [{ wid: 1, at: clock.now() + 1000, reason: watcher.reason }]);
    for (let round = 5; round < 8; round++) {
      await clock.advance(999);
      await flush();
      assert.equal(spawnsIn(world().log), round - 1);
      await clock.advance(1);
      await world().until(() => spawnsIn(world().log) === round && watcher.keeper.slots.retries.length > 0);
    }
  });

  it('is kept also when it ends while a plugin is still asked about its start', async () => {
    world().hooks.afterSpawn.tap('test', async ({ ended }) => void (await ended));
    const watcher = await world().up(exiting);
    await world().until(() => watcher.keeper.slots.retries.length > 0);
    await flush();
    assert.equal(spawnsIn(world().log), 4);
  });

  it('is kept under a plugin that wants no pause', async () => {
    world().hooks.respawn.tap('test', () => ({ retryIn: 0 }));
    const watcher = await world().up(exiting);
    await world().until(() => watcher.keeper.slots.retries.length > 0);
    await flush();
    assert.equal(spawnsIn(world().log), 4);
  });

  it('is no pause for the operator: start and stop end it', async () => {
    const watcher = await world().up(exiting);
    await world().until(() => watcher.keeper.slots.retries.length > 0);
    await watcher.start().result;
    await world().until(() => spawnsIn(world().log) === 8 && watcher.keeper.slots.retries.length > 0);
    await watcher.stop().result;
    assert.equal(watcher.state, 'stopped');
    assert.deepEqual(clock.pending, []);
    await clock.advance(5000);
    assert.equal(spawnsIn(world().log), 8);
  });

  it('counts each slot for itself', async () => {
    const watcher = await world().up({ cmd: 'sh -c "[ $(circus.wid) = 2 ] || exec sleep 600"', numprocesses: 3 });
    await world().until(() => watcher.keeper.slots.retries.length === 1);
    assert.deepEqual(widsOf(watcher), [1, 3]);
    assert.equal(watcher.state, 'active');
    await watcher.resize(1).result;
    assert.deepEqual([watcher.keeper.slots.retries, clock.pending], [[], []]);
  });
});

describe('a program that cannot be started', () => {
  let clock: FakeClock;
  const world = worldPerTest(() => (clock = new FakeClock()));
  const temporary = temporaryPerTest();
  afterEach(() => assert.deepEqual(clock.pending, []));

  const cases = {
    'is missing': () => ({ cmd: '/nowhere/program' }),
    'is not executable': () => ({ cmd: temporary.write('file', 'text') }),
    'has no such working directory': () => ({ working_dir: '/nowhere' }),
    'has quotes that are not balanced': () => ({ cmd: '"' }),
    'has an empty command': () => ({ cmd: '' }),
    'names a socket that is not there': () => ({ sockets: ['nobody'] }),
  };
  for (const [what, given] of Object.entries(cases)) {
    it(`as it ${what}, is tried max_retry times, with pauses, and given up with the reason`, async () => {
      let attempts = 0;
      world().hooks.beforeSpawn.tap('test', () => void attempts++);
      const watcher = await world().up({ ...given(), numprocesses: 2 });
      await flush();
      assert.deepEqual([attempts, watcher.state, clock.pending.length], [6 + 2, 'retrying', 2]);
      await clock.advance(1000);
      // One slot gives up for all: the other's last attempt would fail as well.
      assert.deepEqual([attempts, watcher.state], [9, 'gave-up']);
      assert.match(watcher.reason, /^gave up: ./);
      assert.deepEqual(world().log, ['starting', 'retrying', 'gave-up']);
    });

    it(`as it ${what}, is never tried without pause although there is no limit`, async () => {
      let attempts = 0;
      world().hooks.beforeSpawn.tap('test', () => void attempts++);
      const watcher = await world().up({ ...given(), max_retry: -1 });
      await flush();
      for (let second = 0; second < 5; second++) {
        assert.deepEqual([attempts, watcher.state, clock.pending], [4 + second, 'retrying', [1000]]);
        await clock.advance(1000);
      }
    });
  }

  it('is tried once where max_retry is 1, and begins anew with a start', async () => {
    const watcher = await world().up({ cmd: '/nowhere/program', max_retry: 1, numprocesses: 50 });
    assert.equal(watcher.state, 'gave-up');
    assert.match(watcher.reason, /could not start "\/nowhere\/program": No such file or directory/);
    watcher.update({ ...watcher.spec, cmd: 'sleep 600', numprocesses: 2 });
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.processes.length, watcher.reason], ['active', 2, '']);
  });

  it('is told from one whose chain failed by the name that the process still bears', async () => {
    world().hooks.spawnSpec.tap('test', (spec) => ({ ...spec, chain: [['sh', '-c', 'exit 127', 'sh']] }));
    const watcher = await world().up({ max_retry: 2 });
    await world().until(() => watcher.state === 'gave-up');
    assert.equal(watcher.reason, 'gave up: "sh" failed before the program started: exited with code 127');
    assert.equal(spawnsIn(world().log), 2);
  });

  it('does not take down those that run', async () => {
    const watcher = await world().up({ numprocesses: 2, max_retry: 1 });
    watcher.update({ ...watcher.spec, cmd: '/nowhere/program' });
    send(pidsOf(watcher)[0]!, 9);
    await world().until(() => watcher.reason.startsWith('gave up'));
    assert.deepEqual([watcher.state, widsOf(watcher)], ['active', [2]]);
  });
});

describe('the verdict about a process that ended', () => {
  let clock: FakeClock;
  const world = worldPerTest(() => (clock = new FakeClock()));
  const end = async (watcher: Watcher) => {
    for (const pid of pidsOf(watcher)) send(pid, 9);
    await world().until(() => watcher.processes.length === 0);
    await flush();
  };

  it('is the respawn option where no plugin has one: without it, the watcher is completed', async () => {
    const stops: boolean[] = [];
    world().hooks.afterStop.tap('test', (_watcher, { aborted }) => void stops.push(aborted));
    const watcher = await world().up({ respawn: false, numprocesses: 2 });
    send(pidsOf(watcher)[0]!, 9);
    await world().until(() => watcher.processes.length === 1);
    await flush();
    assert.equal(watcher.state, 'active');
    await end(watcher);
    assert.equal(watcher.state, 'completed');
    assert.deepEqual(stops, [false]);
    await watcher.start().result;
    assert.equal(watcher.processes.length, 2);
  });

  it('may be that one is completed which ended before its watcher was up', async () => {
    world().hooks.afterStart.tap('test', async ({ processes }) => void (await processes[0]?.ended));
    const watcher = await world().up({ cmd: 'true', respawn: false });
    await world().until(() => watcher.state === 'completed');
  });

  it('that takes its time leaves the state as it is', async () => {
    let answer!: (verdict: 'respawn') => void;
    world().hooks.respawn.tap('test', () => new Promise<'respawn'>((resolve) => (answer = resolve)));
    const watcher = await world().up();
    await end(watcher);
    assert.equal(watcher.state, 'active');
    answer('respawn');
    await world().until(() => watcher.processes.length === 1);
    assert.deepEqual(
      world().log.filter((entry) => !/^(spawned|reaped)/.test(entry)),
      ['starting', 'active'],
    );
  });

  it('may be respawn, whatever the option says', async () => {
    world().hooks.respawn.tap('test', () => 'respawn');
    const watcher = await world().up({ respawn: false });
    send(pidsOf(watcher)[0]!, 9);
    await world().until(() => watcher.history.length === 1 && watcher.processes.length === 1);
  });

  it('may be stop, or that it is complete', async () => {
    world().hooks.respawn.tap('test', (_process, _exit, { name }) => (name === 'done' ? 'complete' : 'stop'));
    const watcher = await world().up();
    const done = await world().up({ name: 'done' });
    for (const one of [watcher, done]) await end(one);
    assert.deepEqual([watcher.state, done.state], ['gave-up', 'completed']);
    assert.match(watcher.reason, /^gave up: process \d+ killed by SIGKILL after .* s, as plugin "witness" decided$/);
  });

  it('may be a time to wait, which an operator can end', async () => {
    world().hooks.respawn.tap('test', () => ({ retryIn: 60_000 }));
    const watcher = await world().up();
    await end(watcher);
    assert.deepEqual([watcher.state, clock.pending], ['retrying', [60_000]]);
    await clock.advance(60_000);
    assert.deepEqual([watcher.state, watcher.processes.length], ['active', 1]);
    await end(watcher);
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.processes.length, clock.pending], ['active', 1, []]);
  });

  it('that comes when the watcher was stopped and started meanwhile is nothing any more', async () => {
    let answer!: (verdict: 'stop') => void;
    world().hooks.respawn.tap('test', () => new Promise<'stop'>((resolve) => (answer = resolve)));
    const watcher = await world().up();
    send(pidsOf(watcher)[0]!, 9);
    await world().until(() => answer);
    await watcher.stop().result;
    await watcher.start().result;
    answer('stop');
    await flush();
    assert.deepEqual([watcher.state, watcher.processes.length], ['active', 1]);
  });
});
