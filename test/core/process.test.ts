import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { systemClock } from '../../core/clock.js';
import { becomeSubreaper, factsOf, send } from '../../core/posix/process.js';
import { Process } from '../../core/process.js';
import { Scope } from '../../core/scope.js';
import { eventually } from '../support/eventually.js';
import { see } from '../support/proc.js';
import { Child, outputOf, startHelper, leaveNothing } from './child.js';
import { fixture } from '../support/paths.js';

describe('a process', () => {
  leaveNothing();

  it('tells once how it ended, when, and how long it lived', async () => {
    const before = Date.now();
    const child = new Child(['sh', '-c', 'exit 3']);
    assert.deepEqual([child.process.alive, child.process.state], [true, 'unready']);
    const exit = await child.process.ended;
    assert.deepEqual(
      [exit.code, exit.signal, exit.reason, exit.forced, exit.failedLink],
      [3, null, 'ended', false, undefined],
    );
    assert.ok(exit.at >= before && exit.lived > 0 && exit.lived < 2000);
    assert.deepEqual([child.process.alive, child.process.exit, child.process.state], [false, exit, 'ended']);
    await child.process.finished();
  });

  it('tells its states to the hooks, and only those that the table has', async () => {
    const board = new HookBoard(systemClock);
    const states: string[] = [];
    board
      .view(new Scope('test'))
      .processState.tap('test', (_process, before, after) => void states.push(`${before} ${after}`));
    const child = new Child('sleep 600', { board });
    child.process.become('unready');
    child.process.become('ready');
    child.process.become('ready');
    await child.stop();
    child.process.become('ready');
    assert.deepEqual(states, ['unready ready', 'ready stopping', 'stopping ended']);
  });

  it('can be sent a signal while it lives', async () => {
    const child = new Child(['sh', '-c', 'trap "echo usr1; exit" USR1; echo; while :; do sleep 0.01; done']);
    await child.lines(1);
    assert.equal(await child.process.signal(10), true);
    await child.process.finished();
    assert.match(child.text, /usr1/);
    assert.equal(await child.process.signal(10), false);
    assert.equal(send(child.process.pid, 0), false);
  });

  it('says which link of its chain failed, if the program itself never ran', async () => {
    const chain = [['sh', '-c', 'echo no rights >&2; exit 126', 'sh']];
    const exit = await new Child('sleep 600', { chain, files: { 0: 'null', 1: 'null', 2: 'null' } }).process.ended;
    assert.deepEqual([exit.failedLink, exit.code], ['sh', 126]);
    const through = [['sh', '-c', 'exec "$@"', 'sh']];
    assert.equal((await new Child('true', { chain: through }).process.ended).failedLink, undefined);
    // Here nobody can tell.
    assert.equal((await new Child(['sh', '-c', 'exit 3'], { chain: through }).process.ended).failedLink, undefined);
  });
});

describe('the output of a process', () => {
  leaveNothing();

  it('is told completely, from both pipes, whatever the order of end and reading', async () => {
    const script = 'head -c 300000 /dev/zero | tr "\\0" a; head -c 300000 /dev/zero | tr "\\0" b >&2';
    for (let round = 0; round < 5; round++) {
      const child = new Child(['sh', '-c', script], { files: { 0: 'null', 1: 'pipe', 2: 'pipe' } });
      await child.process.finished();
      assert.equal(child.text.length, 600_000);
    }
  });

  it('that comes at the very end of a stop is not lost', async () => {
    for (let round = 0; round < 10; round++) {
      const child = new Child('talk-on-term.sh');
      await child.lines(1);
      const exit = await child.stop();
      assert.deepEqual([exit.code, child.text.length], [0, 60_000 + 'ready\n'.length]);
    }
  });

  it('stays with the process while it is paused, which then waits, and comes when it is resumed', async () => {
    const child = new Child(['sh', '-c', 'echo begun; head -c 1000000 /dev/zero; echo done >&2'], {
      files: { 0: 'null', 1: 'pipe', 2: 'null' },
    });
    await child.lines(1);
    child.process.pause(1);
    const told = child.text.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    // At most what was on its way when it was paused.
    assert.ok(child.process.alive && child.text.length - told <= 65_536);
    child.process.resume(1);
    await child.process.finished();
    assert.equal(child.text.length, 1_000_000 + 'begun\n'.length);
  });

  it('is not read while plugins change, whoever asks for it, and is told afterwards', async () => {
    const board = new HookBoard(systemClock);
    const child = new Child(['sh', '-c', 'while :; do head -c 10000 /dev/zero; sleep 0.001; done'], { board });
    const told = () => child.text.length;
    await eventually(() => assert.ok(told() > 0));
    await board.exchange(async () => {
      const before = told();
      // One chunk may come before it is noticed.
      await eventually(() => assert.ok(told() > before));
      const held = told();
      child.process.resume(1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(told(), held);
    });
    const after = told();
    await eventually(() => assert.ok(told() > after));
    await child.stop();
  });

  it('stays paused after plugins have changed, if it was', async () => {
    const board = new HookBoard(systemClock);
    const child = new Child(['sh', '-c', 'while :; do echo more; sleep 0.001; done'], { board });
    await board.exchange(async () => void (await child.lines(1)));
    child.process.pause(1);
    await board.exchange(async () => undefined);
    const { length } = child.text;
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(child.text.length, length);
    child.process.resume(1);
    await eventually(() => assert.ok(child.text.length > length));
    await child.stop();
  });

  it('that nobody reads does not hold up a stop for longer than a second', async () => {
    const child = new Child(['sh', '-c', 'echo begun; exec cat /dev/zero']);
    await child.lines(1);
    child.process.pause(1);
    const begun = performance.now();
    await child.stop();
    assert.ok(performance.now() - begun < 2000);
    await child.process.finished();
  });

  it('of descendants is still told after its end', async () => {
    becomeSubreaper();
    const child = new Child(['sh', '-c', '(sleep 0.1; echo late) & echo early']);
    const exit = await child.process.ended;
    assert.equal(exit.code, 0);
    await child.process.finished();
    assert.deepEqual(child.text.split('\n').sort(), ['', 'early', 'late']);
    await child.stop();
  });
});

describe('a helper program', () => {
  leaveNothing();

  it('is run to its end with its output, without a watcher', async () => {
    const text: string[] = [];
    const spec = {
      command: 'sh',
      args: ['-c', 'echo out; echo err >&2; exit 4'],
      chain: [],
      env: { PATH: '/bin:/usr/bin' },
    };
    const files = { 0: 'null', 1: 'pipe', 2: 'pipe' } as const;
    const helper = startHelper({ ...spec, cwd: '/', files }, (chunk, fd) => text.push(`${fd}: ${chunk}`));
    assert.equal((await helper.finished()).code, 4);
    assert.deepEqual(text.sort(), ['1: out\n', '2: err\n']);
    assert.equal(helper.watcher, '');
  });

  it('is told from others of its kind: stopping one leaves the orphans of another', async () => {
    becomeSubreaper();
    const text: string[] = [];
    const start = (line: string[]) =>
      startHelper(
        {
          command: line[0]!,
          args: line.slice(1),
          chain: [],
          env: { PATH: '/bin:/usr/bin' },
          cwd: '/',
          files: { 0: 'null', 1: 'pipe', 2: 'inherit' },
        },
        (chunk) => text.push(`${chunk}`),
      );
    const fled = start([fixture('flee-session.sh'), 'exit']);
    await fled.ended;
    await eventually(() => assert.ok(text[0]));
    const pid = Number(text[0]);
    const other = start(['sleep', '600']);
    await other.stop({ signal: 9, grace: 0, children: false, reason: 'stopped' });
    assert.equal(see(pid)?.zombie, false);
    await fled.stop({ signal: 9, grace: 0, children: false, reason: 'stopped' });
    assert.equal(see(pid), undefined);
  });
});

describe('a process that somebody else started', () => {
  leaveNothing();

  const spec = { command: 'sleep', args: ['600'], chain: [], env: {}, cwd: '/', files: {} };
  const context = (board = new HookBoard(systemClock)) => ({
    wid: 3,
    watcher: 'found',
    mark: 'found',
    board,
    clock: systemClock,
    output: () => undefined,
  });
  /** Nobody's child: init's, or that of this process where it is a subreaper. */
  const stranger = async (...line: string[]) => {
    const pid = Number(await outputOf(['leave-stranger.sh', ...line]));
    return { pid, startTime: factsOf(pid)!.startTime };
  };

  it('is taken on, and its end is told without a code', async () => {
    const { pid, startTime } = await stranger('sleep', '600');
    const found = Process.adopt(pid, startTime, Date.now() - 60_000, spec, context());
    assert.deepEqual([found.state, found.alive, found.wid], ['adopted', true, 3]);
    assert.ok(Math.abs(found.age - 60_000) < 1000);
    process.kill(pid, 'SIGKILL');
    const exit = await found.ended;
    assert.deepEqual([exit.code, exit.signal, exit.reason], [null, null, 'ended']);
    assert.ok(exit.lived >= 60_000);
  });

  it('may still be the child of another', async () => {
    const parent = new Child(['sh', '-c', 'sleep 600 & echo $!; wait; echo over']);
    const [pid] = await parent.numbers(1);
    const found = Process.adopt(pid!, factsOf(pid!)!.startTime, Date.now(), spec, context());
    assert.equal((await found.stop({ signal: 15, grace: 5000, children: false, reason: 'stopped' })).forced, false);
    await parent.process.finished();
    assert.match(parent.text, /over/);
  });

  it('is stopped with all its tree', async () => {
    const { pid, startTime } = await stranger('sh', '-c', 'sleep 600 & sleep 600 & wait');
    const found = Process.adopt(pid, startTime, Date.now(), spec, context());
    await eventually(() => assert.equal(found.descendants().length, 2));
    const pids = found.descendants();
    const exit = await found.stop({ signal: 15, grace: 5000, children: false, reason: 'stopped' });
    assert.equal(exit.reason, 'stopped');
    for (const member of [pid, ...pids]) assert.ok(see(member)?.zombie !== false);
  });

  it('is refused when its number belongs to another now, or to nobody', async () => {
    const { pid, startTime } = await stranger('sleep', '600');
    const gone = { code: 'ERR_PROCESS_GONE', message: `process ${pid} is gone` };
    assert.throws(() => Process.adopt(pid, `${Number(startTime) - 1}`, Date.now(), spec, context()), gone);
    process.kill(pid, 'SIGKILL');
    await eventually(() => assert.ok(see(pid)?.zombie !== false));
    assert.throws(() => Process.adopt(pid, startTime, Date.now(), spec, context()), gone);
  });
});
