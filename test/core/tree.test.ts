import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { systemClock } from '../../core/clock.js';
import { becomeSubreaper } from '../../core/posix/process.js';
import { Scope } from '../../core/scope.js';
import { eventually } from '../support/eventually.js';
import { see } from '../support/proc.js';
import { Child, leaveNothing } from './child.js';
import { FakeClock, flush } from '../support/clock.js';

const lives = (pid: number) => see(pid)?.zombie === false;

/** Signals told, as `signal pid`. */
function witness() {
  const board = new HookBoard(systemClock);
  const scope = new Scope('witness');
  const told: string[] = [];
  board.view(scope).signalled.tap('witness', (_process, signal, pid) => void told.push(`${signal} ${pid}`));
  return { board, told, hooks: board.view(scope) };
}

describe('stopping', () => {
  before(() => becomeSubreaper());
  leaveNothing();

  it('signals, and resolves when the process is gone', async () => {
    const { board, told } = witness();
    const child = new Child('sleep 600', { board });
    const exit = await child.stop();
    assert.deepEqual([exit.signal, exit.reason, exit.forced], [15, 'stopped', false]);
    assert.deepEqual(told, [`15 ${child.process.pid}`]);
    assert.ok(!see(child.process.pid));
  });

  it('kills after the grace what ignores the signal', async () => {
    const { board, told } = witness();
    const child = new Child('ignore-term.sh', { board });
    await child.lines(1);
    const begun = performance.now();
    const exit = await child.stop({ grace: 200 });
    assert.ok(performance.now() - begun >= 195);
    assert.deepEqual([exit.signal, exit.reason, exit.forced], [9, 'stopped', true]);
    assert.deepEqual(told.slice(0, 2), [`15 ${child.process.pid}`, `9 ${child.process.pid}`]);
  });

  it('kills at once when there is no grace, or when it is taken away by a second call', async () => {
    const child = new Child('ignore-term.sh');
    await child.lines(1);
    const stopping = child.stop({ grace: 60_000 });
    assert.equal(child.stop({ grace: 0, reason: 'killed' }), stopping);
    assert.equal((await stopping).reason, 'stopped');
    const other = new Child('ignore-term.sh');
    await other.lines(1);
    assert.equal((await other.stop({ grace: 0 })).forced, true);
  });

  it('does not call SIGKILL forced where it was the signal that was asked for', async () => {
    const exit = await new Child('sleep 600').stop({ signal: 9, grace: 0 });
    assert.deepEqual([exit.signal, exit.forced], [9, false]);
  });

  it('ends what a shell left in the background', async () => {
    const child = new Child(['sh', '-c', 'sleep 600 & echo $!; sleep 600 & echo $!; wait']);
    const pids = await child.numbers(2);
    await child.stop();
    assert.deepEqual(pids.filter(lives), []);
  });

  it('ends a tree of depth 3', async () => {
    const child = new Child('grow-tree.sh 3');
    const pids = await child.numbers(15);
    await eventually(() => assert.equal(child.process.descendants().length, 14));
    await child.stop();
    assert.deepEqual(pids.filter(lives), []);
  });

  it('ends a child that left the session', async () => {
    const child = new Child('flee-session.sh');
    const [pid] = await child.numbers(1);
    await child.stop();
    assert.ok(!lives(pid!));
  });

  it('ends one that left the session while its parent was ending', async () => {
    const child = new Child('flee-session.sh exit');
    const [pid] = await child.numbers(1);
    await child.process.ended;
    assert.ok(lives(pid!));
    await child.stop();
    assert.ok(!lives(pid!));
  });

  for (const how of ['', ' exit'])
    it(`ends a daemon whose parents were gone before the stop${how && ', the process itself as well'}`, async () => {
      const child = new Child(`double-fork.py${how}`);
      const [pid] = await child.numbers(1);
      if (how) await child.process.ended;
      assert.equal(see(pid!)?.parent, process.pid);
      assert.deepEqual(child.process.descendants(), [pid]);
      await child.stop();
      assert.ok(!lives(pid!));
    });

  it('ends one that forks while it is being killed, again and again', async () => {
    const child = new Child('hop.py');
    await child.lines(1);
    const exit = await child.stop({ grace: 50 });
    assert.equal(exit.signal, 9);
    assert.deepEqual(child.process.descendants(), []);
  });

  it('ends a child that was born by the signal itself and ignores it', async () => {
    const child = new Child('fork-on-term.py');
    await child.lines(1);
    await child.stop({ grace: 200 });
    const [, line] = await child.lines(2);
    assert.ok(!lives(Number(line!.split(' ')[1])));
  });

  it('takes the grace away from what is left of the tree, too', async () => {
    const child = new Child('fork-on-term.py');
    await child.lines(1);
    const stopping = child.stop({ grace: 60_000 });
    await child.lines(2);
    await child.process.ended;
    void child.stop({ grace: 0 });
    await stopping;
  });

  it('signals the direct children too where that was asked for', async () => {
    const { board, told } = witness();
    const child = new Child(['sh', '-c', 'trap "" TERM; sleep 600 & echo $!; wait'], { board });
    const [pid] = await child.numbers(1);
    const stopping = child.stop({ children: true, grace: 100 });
    await flush();
    assert.deepEqual(told, [`15 ${child.process.pid}`, `15 ${pid}`]);
    await stopping;
  });

  it('leaves orphans of others alone', async () => {
    const stranger = new Child('flee-session.sh exit');
    const [pid] = await stranger.numbers(1);
    await stranger.process.ended;
    await new Child('flee-session.sh').stop();
    assert.ok(lives(pid!));
    await stranger.stop();
  });

  it('sends no signal to which a plugin objects, tells of it as Circus does, and kills after the grace', async () => {
    const { board, told, hooks } = witness();
    hooks.beforeSignal.tap('witness', (_process, signal) => (signal === 15 ? false : undefined));
    const child = new Child('sleep 600', { board });
    const exit = await child.stop({ grace: 50 });
    assert.deepEqual([exit.signal, exit.forced], [9, true]);
    assert.deepEqual(told, [`15 ${child.process.pid}`, `9 ${child.process.pid}`]);
  });

  it('does not give a plugin that hesitates more than the grace', async () => {
    const { board, hooks } = witness();
    hooks.beforeSignal.tap('witness', () => new Promise(() => undefined));
    const exit = new Child('sleep 600', { board }).stop({ grace: 50 });
    const begun = performance.now();
    const child = await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 2000, 'late'))]);
    assert.ok(child !== 'late' && performance.now() - begun < 1500);
  });

  it('ends what a plugin knows to belong to it, and is not misled by pids of nobody', async () => {
    const { board, hooks } = witness();
    const other = new Child('sleep 600');
    hooks.descendants.tap('witness', (pids) => [...pids, other.process.pid, 2 ** 22 + 5]);
    const child = new Child('sleep 600', { board });
    assert.deepEqual(child.process.descendants(), [other.process.pid]);
    await child.stop();
    assert.ok(!other.process.alive || (await other.process.ended));
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    const child = new Child('sleep 600', { clock });
    await child.stop({ grace: 30_000 });
    assert.deepEqual(clock.pending, []);
  });
});
