import assert from 'node:assert/strict';
import { Arbiter } from '../../core/arbiter.js';
import { systemClock } from '../../core/clock.js';
import type { Fault } from '../../core/guard.js';
import { Host } from '../../core/host.js';
import type { PluginContext, RunResult } from '../../core/plugin.js';
import { adoptOrphans, releaseReaper } from '../../core/posix/reap.js';
import { Scope } from '../../core/scope.js';
import { FakeClock, flush } from '../support/clock.js';
import { see } from '../support/proc.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const hurried = {
  ...systemClock,
  after: (delay: number, action: () => void) => systemClock.after(delay === 8000 ? 50 : delay, action),
};

describe('a helper of a plugin', () => {
  let host: Host;
  let arbiter: Arbiter;
  let context: PluginContext;
  beforeEach(async () => {
    watchLeftovers();
    adoptOrphans();
    arbiter = new Arbiter({ clock: hurried });
    host = new Host(arbiter, () => quiet);
    await host.load([{ plugin: { name: 'helped', apply: (given: PluginContext) => void (context = given) } }]);
  });
  afterEach(async () => {
    await host.close();
    await assertNothingLeft();
    releaseReaper();
  });

  it('reads its input, however much it is, and need not read it', async () => {
    const input = 'ä'.repeat(200_000);
    assert.equal((await context.run('wc', ['-c'], { input })).stdout.trim(), '400000');
    assert.equal((await context.run('cat', [], { input: '' })).stdout, '');
    assert.equal((await context.run('true', [], { input })).code, 0);
    await assert.rejects(context.run('/nowhere/program', [], { input }), { code: 'ERR_PROCESS_SPAWN' });
    assert.equal((await context.run('cat')).stdout, '');
  });

  it('has the environment of the daemon, with its own put over it', async () => {
    const { stdout } = await context.run('sh', ['-c', 'echo "$OWN $HOME"'], { env: { OWN: 'own' } });
    assert.equal(stdout, `own ${process.env['HOME']}\n`);
    const { stdout: alone } = await context.run('/usr/bin/env', [], { env: { OWN: 'own' }, bare: true });
    assert.match(alone, /^OWN=own\nCIRCUS_ID=\S+\n$/);
  });

  it('bears the mark of its daemon, and one that no other has', async () => {
    const markOf = async () => (await context.run('sh', ['-c', 'echo "$CIRCUS_ID"'])).stdout.trim();
    const marks = [await markOf(), await markOf()];
    assert.deepEqual(
      marks.map((mark) => mark.split(':').slice(0, 2)),
      marks.map(() => [arbiter.id, '']),
    );
    assert.notEqual(marks[0], marks[1]);
  });

  it('is killed when it takes too long', async () => {
    const { code, signal, timedOut } = await context.run('sleep', ['600'], { timeout: 20 });
    assert.deepEqual([code, signal, timedOut], [null, 9, true]);
    const other = await context.run('sh', ['-c', 'kill -9 $$'], { timeout: 60_000 });
    assert.deepEqual([other.code, other.signal, other.timedOut], [null, 9, false]);
  });

  it('is refused for want of its program or folder, and when its words are no list', async () => {
    await assert.rejects(context.run('nosuchprogram'), { code: 'ERR_COMMAND_NOT_FOUND' });
    await assert.rejects(context.run('true', [], { cwd: '/nowhere' }), { code: 'ERR_PROCESS_CWD' });
    await assert.rejects(context.run('echo', 'hello' as never), {
      name: 'TypeError',
      message: 'plugin "helped": run takes the words after the program as a list',
    });
  });

  it('is killed with all that it started when it is cancelled, also before it began', async () => {
    const cancel = new AbortController();
    const running = context.run('sh', ['-c', 'sleep 600 & sleep 600'], { signal: cancel.signal });
    cancel.abort();
    assert.equal((await running).signal, 9);
    assert.equal((await context.run('sleep', ['600'], { signal: AbortSignal.abort() })).signal, 9);
  });

  it('is over when it has ended, whatever it left behind with its output', async () => {
    const { code, stdout } = await context.run('sh', ['-c', 'sleep 600 & echo $!; exit 4']);
    const left = Number(stdout);
    assert.deepEqual([code, see(left)?.zombie], [4, false]);
    process.kill(left, 'SIGKILL');
  });

  it('has the first 1 MiB of each of its streams kept', async () => {
    const script = 'head -c 3000000 /dev/zero; head -c 1048576 /dev/zero >&2';
    const { stdout, stderr, truncated } = await context.run('sh', ['-c', script]);
    assert.deepEqual([stdout.length, stderr.length, truncated], [2 ** 20, 2 ** 20, true]);
    assert.equal((await context.run('sh', ['-c', 'head -c 1048576 /dev/zero'])).truncated, false);
  });

  it('may undo something while the plugin closes, and has a limit then', async () => {
    const ran: RunResult[] = [];
    context.defer(async () => void ran.push(await context.run('echo', ['undone'])));
    context.defer(async () => void ran.push(await context.run('sleep', ['600'])));
    await host.close();
    assert.deepEqual(
      ran.map(({ signal, stdout }) => [signal, stdout]),
      [
        [9, ''],
        [null, 'undone\n'],
      ],
    );
    await assert.rejects(context.run('true'), { code: 'ERR_SCOPE_CLOSED' });
  });
});

describe('the members of a context', () => {
  let clock: FakeClock;
  let arbiter: Arbiter;
  let host: Host;
  let context: PluginContext;
  let faults: Fault[];
  beforeEach(async () => {
    clock = new FakeClock();
    arbiter = new Arbiter({ clock });
    host = new Host(arbiter, () => quiet);
    faults = [];
    arbiter.hooks.view(new Scope('test')).fault.tap('test', (fault) => void faults.push(fault));
    await host.load([{ plugin: { name: 'strict', apply: (given: PluginContext) => void (context = given) } }]);
  });
  const calls = (given: unknown): Record<string, () => unknown> => ({
    defer: () => context.defer(given as never),
    every: () => context.every(10, given as never),
    guard: () => context.guard(given as never),
    keep: () => context.keep(given as never),
  });

  it('take functions, and say who gave them something else', async () => {
    for (const given of [undefined, 'text', Promise.resolve()])
      for (const [member, call] of Object.entries(calls(given)))
        assert.throws(call, { name: 'TypeError', message: `plugin "strict": ${member} takes a function` });
    for (const ms of [0, -1, NaN, Infinity, '100'])
      assert.throws(() => context.every(ms as number, () => undefined), {
        name: 'TypeError',
        message: 'plugin "strict": every takes milliseconds above 0',
      });
    await host.close();
    assert.deepEqual([clock.pending, faults], [[], []]);
  });

  it('refuse everything alike when it is closed', async () => {
    await host.close();
    for (const call of Object.values(calls(() => undefined))) assert.throws(call, { code: 'ERR_SCOPE_CLOSED' });
    assert.throws(() => context.hooks.spawned.tap('strict', () => undefined), { code: 'ERR_SCOPE_CLOSED' });
    await assert.rejects(context.run('true'), { code: 'ERR_SCOPE_CLOSED' });
  });

  it('call back no second time while the first call runs', async () => {
    const ends: (() => void)[] = [];
    context.every(100, () => new Promise<void>((resolve) => ends.push(resolve)));
    await clock.advance(350);
    assert.equal(ends.length, 1);
    ends[0]!();
    await flush();
    await clock.advance(100);
    assert.equal(ends.length, 2);
    await host.close();
  });

  it('say by whom something is asked', () => {
    assert.equal(context.by, 'plugin strict');
  });
});
