import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { systemClock } from '../../core/clock.js';
import type { Fault } from '../../core/guard.js';
import { becomeSubreaper } from '../../core/posix/process.js';
import { Scope } from '../../core/scope.js';
import { watcherSpec } from '../../core/spec.js';
import { stopPlan } from '../../core/stop.js';
import { FakeClock } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { marked, see } from '../support/proc.js';
import { temporaryPerTest } from '../support/temporary.js';
import { Child, leaveNothing } from './child.js';
import { hasSignal, pidsOf, worldPerTest } from './world.js';

const lives = (pid: number) => see(pid)?.zombie === false;
const SIGINT = 2;
const SIGTERM = 15;
const isDeaf = (pid: number) => hasSignal(pid, 'SigIgn', SIGTERM) && hasSignal(pid, 'SigIgn', SIGINT);

/** Says each signal that it gets, and ends at none of them. */
const listener = ['sh', '-c', 'trap "echo TERM" TERM; trap "echo INT" INT; echo up; while :; do sleep 0.01; done'];

/** Lets time pass until something has happened. */
async function passing(clock: FakeClock, end: Promise<unknown>): Promise<void> {
  let over = false;
  void end.then(() => (over = true));
  await eventually(async () => (await clock.advance(100), over));
}

function subreaperPerTest(): void {
  before(() => becomeSubreaper());
  leaveNothing();
}

describe('a stop in steps', () => {
  subreaperPerTest();

  it('is planned from the steps of a watcher, whose times are the grace', () => {
    const plan = (...stop_steps: readonly string[]) => stopPlan(watcherSpec({ name: 'a', cmd: 'a', stop_steps }));
    assert.deepEqual(plan(), { signal: SIGTERM, grace: 30_000, further: [] });
    const further = [{ signal: SIGINT, after: 10_000 }];
    assert.deepEqual(plan('TERM 10', 'INT 5.5', 'KILL'), { signal: SIGTERM, grace: 15_500, further });
    assert.deepEqual(plan('TERM 10', 'INT 5.5'), plan('TERM 10', 'INT 5.5', 'KILL'));
    assert.deepEqual(plan('40 1'), { signal: 40, grace: 1000, further: [] });
    assert.deepEqual(plan('KILL'), { signal: 9, grace: 0, further: [] });
  });

  it('sends each signal when the time of those before it is over, then SIGKILL', async () => {
    const clock = new FakeClock();
    const child = new Child(listener, { clock });
    await child.lines(1);
    const stopping = child.stop({ grace: 15_000, further: [{ signal: SIGINT, after: 10_000 }] });
    await child.lines(2);
    await clock.advance(9999);
    assert.equal(child.text, 'up\nTERM\n');
    await clock.advance(1);
    await child.lines(3);
    await clock.advance(4999);
    assert.equal(child.process.alive, true);
    await clock.advance(1);
    const exit = await stopping;
    assert.deepEqual([exit.signal, exit.forced, child.text], [9, true, 'up\nTERM\nINT\n']);
    assert.deepEqual(clock.pending, []);
  });

  it('is over as soon as one of them is heeded', async () => {
    const clock = new FakeClock();
    const child = new Child(['sh', '-c', 'trap "" TERM; trap "exit 7" INT; echo up; while :; do sleep 0.01; done'], {
      clock,
    });
    await child.lines(1);
    const stopping = child.stop({ grace: 60_000, further: [{ signal: SIGINT, after: 10_000 }] });
    await clock.advance(10_000);
    const exit = await stopping;
    assert.deepEqual([exit.code, exit.forced, clock.pending], [7, false, []]);
  });

  it('goes on for what the process left behind', async () => {
    const clock = new FakeClock();
    const script = `(trap "" TERM; trap "echo INT; exit" INT; echo up; while :; do sleep 0.01; done) & trap "exit" TERM; wait`;
    const child = new Child(['bash', '-c', script], { clock });
    await child.lines(1);
    const stopping = child.stop({ grace: 60_000, further: [{ signal: SIGINT, after: 10_000 }] });
    await child.process.ended;
    await clock.advance(10_000);
    await child.lines(2);
    // Nobody tells of the end of an orphan at once: it is looked for.
    await passing(clock, stopping);
  });

  it('has one grace for all of the tree, however late the process itself ends', async () => {
    const clock = new FakeClock();
    const script = `(trap "" TERM; echo $BASHPID; while :; do sleep 0.01; done) & trap "sleep 0.01; exit" USR1; trap "" TERM; while :; do wait; done`;
    const child = new Child(['bash', '-c', script], { clock });
    const [pid] = await child.numbers(1);
    const stopping = child.stop({ grace: 10_000 });
    await clock.advance(6000);
    void child.process.signal(10);
    await child.process.ended;
    await clock.advance(3999);
    assert.ok(lives(pid!));
    await clock.advance(1);
    await passing(clock, stopping);
    assert.ok(!lives(pid!));
  });
});

describe('the tree of a real program', () => {
  subreaperPerTest();
  const temporary = temporaryPerTest();

  /** Stops the child, and asserts that nothing of its tree lives on; answers how many it was. */
  const stopAll = async (child: Child, grace = 5000) => {
    const pids = [child.process.pid, ...child.process.descendants()];
    await child.stop({ grace });
    assert.deepEqual(pids.filter(lives), []);
    return pids.length;
  };

  it('of a shell with a job in the background is gone', async () => {
    const child = new Child(['sh', '-c', 'sleep 600 & sleep 601']);
    await eventually(() => assert.equal(child.process.descendants().length, 2));
    assert.equal(await stopAll(child), 3);
  });

  it('of npm run is gone', async function () {
    this.timeout(30_000);
    const script = 'sleep 600 & node -e "setInterval(() => {}, 1000)"';
    temporary.write('package.json', JSON.stringify({ name: 'a', version: '1.0.0', scripts: { start: script } }));
    const env = { PATH: process.env['PATH'] ?? '', HOME: temporary.path, npm_config_update_notifier: 'false' };
    const child = new Child(['npm', 'run', 'start'], { cwd: temporary.path, env });
    const names = () => child.process.descendants().map((pid) => see(pid)?.name);
    await eventually(() => assert.ok(names().includes('node') && names().includes('sleep')), { within: 20_000 });
    assert.ok((await stopAll(child)) >= 4);
  });

  it('that is stuck in reading pipes is gone', async () => {
    const script = 'trap "" TERM; mkfifo here; cat <>here | cat | while read line; do :; done & read line <>here';
    const child = new Child(['sh', '-c', script], { cwd: temporary.path });
    await eventually(() => assert.ok(child.process.descendants().length >= 3));
    assert.ok((await stopAll(child, 100)) >= 4);
  });

  it('of one that forks into sessions faster than it is killed is gone', async () => {
    const child = new Child('breed.py');
    await child.lines(1);
    await eventually(() => assert.ok(child.process.descendants().length > 20));
    await child.stop({ grace: 50 });
    assert.deepEqual(child.process.descendants(), []);
  });

  it('of one that is suspended is gone', async () => {
    const child = new Child(['sh', '-c', 'sleep 600 & sleep 601']);
    await eventually(() => assert.equal(child.process.descendants().length, 2));
    process.kill(-child.process.pid, 'SIGSTOP');
    assert.equal(await stopAll(child, 50), 3);
  });
});

describe('the means of a stop', () => {
  subreaperPerTest();

  function withMeans(kill: (pid: number) => void) {
    const board = new HookBoard(systemClock);
    const hooks = board.view(new Scope('groups'));
    const faults: Fault[] = [];
    hooks.fault.tap('groups', (fault) => void faults.push(fault));
    hooks.means.tap('groups', (means, { watcher }) => {
      assert.deepEqual([means.by, watcher], ['subreaper', 'test']);
      return { by: 'groups', kill: ({ pid }) => kill(pid) };
    });
    return { board, faults };
  }

  it('are those of a plugin that knows better ones, which are used when the grace is over', async () => {
    const killed: number[] = [];
    const { board } = withMeans((pid) => killed.push(pid));
    const child = new Child('ignore-term.sh', { board });
    await child.lines(1);
    await child.stop({ grace: 20 });
    assert.ok(killed.length > 0 && killed.every((pid) => pid === child.process.pid));
    const obedient = new Child('sleep 600', { board });
    await obedient.stop();
    assert.ok(!killed.includes(obedient.process.pid));
  });

  it('that fail are told of, and everything is killed all the same', async () => {
    const { board, faults } = withMeans(() => {
      throw new Error('no such group');
    });
    const child = new Child('ignore-term.sh', { board });
    await child.lines(1);
    assert.equal((await child.stop({ grace: 20 })).forced, true);
    assert.ok(faults.length > 0);
    const { plugin, hook, watcher, error } = faults[0]!;
    assert.deepEqual([plugin, hook, watcher, String(error)], ['groups', 'means', 'test', 'Error: no such group']);
  });
});

describe('a watcher that is stopped', () => {
  const world = worldPerTest();
  before(() => becomeSubreaper());

  it('goes through its steps; whoever names a signal or a time of his own gets only that', async () => {
    const signals: number[] = [];
    world().hooks.signalled.tap('test', (_process, signal) => void signals.push(signal));
    const deaf = `sh -c 'trap "" TERM INT; echo; while :; do sleep 0.01; done'`;
    const watcher = await world().up({ cmd: deaf, stop_steps: ['TERM 0.2', 'INT 0.1', 'KILL'] });
    const [process] = watcher.processes;
    await world().until(() => isDeaf(process!.pid));
    const begun = performance.now();
    await watcher.stop().result;
    assert.ok(performance.now() - begun >= 295);
    assert.deepEqual(signals.slice(0, 3), [SIGTERM, SIGINT, 9]);
    await watcher.start().result;
    await world().until(() => isDeaf(pidsOf(watcher)[0]!));
    signals.length = 0;
    await watcher.kill(watcher.processes, { signal: SIGINT });
    assert.deepEqual(signals.slice(0, 2), [SIGINT, 9]);
  });

  it('leaves nothing of processes that had ended by themselves', async () => {
    for (const respawn of [false, true]) {
      const name = `forking-${respawn}`;
      // As a daemon does it: what is to run is nobody's child, in a session of its own.
      const cmd = `sh -c 'setsid sleep 600 & sleep 0.05'`;
      const watcher = await world().up({ name, cmd, respawn });
      await world().until(() => watcher.history.length > 0);
      const mark = `${world().arbiter.id}:${name}:1`;
      await eventually(() => assert.ok(marked(mark).length > 0));
      await watcher.stop().result;
      assert.deepEqual([watcher.state, marked(mark)], ['stopped', []]);
    }
  });

  it('says by what means its trees are ended', async () => {
    assert.equal(world().add().means.by, 'subreaper');
  });
});
