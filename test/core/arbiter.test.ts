import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Arbiter } from '../../core/arbiter.js';
import { isOpen } from '../../core/posix/descriptor.js';
import { socketSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';
import { see } from '../support/proc.js';
import { builtKernel } from './built.js';
import { pidsOf, sleeper, worldPerTest } from './world.js';
import { fixture } from '../support/paths.js';

const run = promisify(execFile);
const never = () => new Promise<never>(() => undefined);

describe('the arbiter', () => {
  const world = worldPerTest();

  it('starts by priority, the highest first, and stops the other way round', async () => {
    const { arbiter, hooks } = world();
    const log: string[] = [];
    for (const name of ['start', 'started', 'stop', 'stopped'] as const)
      hooks[name].tap('test', () => void log.push(name));
    hooks.watcherState.tap('test', ({ name }, _before, after) => {
      if (after === 'active' || after === 'stopped') log.push(`${name} ${after}`);
    });
    for (const [name, priority] of [
      ['low', 0],
      ['high', 9],
      ['middle', 5],
    ] as const)
      world().add({ name, priority });
    world().add({ name: 'manual', priority: 7, autostart: false });
    await arbiter.start();
    await arbiter.stop();
    assert.deepEqual(log, [
      'start',
      ...['high active', 'middle active', 'low active', 'started', 'stop'],
      ...['low stopped', 'middle stopped', 'high stopped', 'stopped'],
    ]);
    assert.equal(arbiter.get('manual').state, 'stopped');
    await arbiter.over;
  });

  it('keeps the order across watchers that do not start with it', async () => {
    const { arbiter, hooks } = world();
    const order: string[] = [];
    hooks.beforeStart.tap('test', async ({ name }) => {
      if (name === 'first') await flush();
      order.push(name);
    });
    world().add({ name: 'first', priority: 2 });
    world().add({ name: 'manual', priority: 1, autostart: false });
    world().add({ name: 'last', priority: 0 });
    await arbiter.start();
    assert.deepEqual(order, ['first', 'last']);
  });

  it('goes on without a watcher that cannot be started, and tells what failed', async () => {
    const { arbiter, hooks } = world();
    hooks.beforeStart.tap('test', ({ name }) => (name === 'refused' ? false : undefined));
    world().add({ name: 'refused', priority: 1 });
    world().add({ name: 'missing', cmd: '/nowhere/program', priority: 1 });
    world().add({ name: 'good' });
    const failures = await arbiter.startAll(arbiter.watchers);
    assert.deepEqual(
      failures.map((error) => (error as { code: string }).code),
      ['ERR_HOOK_REFUSED'],
    );
    assert.equal(arbiter.get('good').state, 'active');
  });

  it('lets a watcher that hangs hold up those behind it only', async () => {
    const { arbiter, hooks } = world();
    hooks.startAfter.tap('test', () => new Map([['behind', ['stuck']]]));
    hooks.beforeStart.tap('test', ({ name }) => (name === 'stuck' ? never() : undefined));
    for (const name of ['stuck', 'behind', 'free']) world().add({ name });
    const starting = arbiter.start();
    await world().until(() => arbiter.get('free').state === 'active');
    await flush();
    assert.deepEqual(
      arbiter.watchers.map(({ name, state }) => `${name} ${state}`),
      ['stuck starting', 'behind stopped', 'free active'],
    );
    await arbiter.stop();
    await starting;
    assert.ok(arbiter.watchers.every(({ state }) => state === 'stopped'));
  });

  it('does not start what was stopped before its turn', async () => {
    const { arbiter, hooks } = world();
    let go!: () => void;
    const held = new Promise<void>((resolve) => (go = resolve));
    hooks.beforeStart.tap('test', ({ name }) => (name === 'first' ? held : undefined));
    for (const [name, priority] of [
      ['first', 1],
      ['stopped', 0],
      ['last', 0],
    ] as const)
      world().add({ name, priority });
    const starting = arbiter.startAll(arbiter.watchers);
    await arbiter.get('stopped').stop().result;
    go();
    assert.deepEqual(await starting, []);
    assert.deepEqual(
      arbiter.watchers.map(({ name, state }) => `${name} ${state}`),
      ['first active', 'stopped stopped', 'last active'],
    );
  });

  it('tells plugins for what the order is', async () => {
    const { arbiter, hooks } = world();
    const asked: string[] = [];
    hooks.startAfter.tap('test', (_edges, _arbiter, what) => void asked.push(what));
    world().add({ name: 'web' });
    await arbiter.startAll(arbiter.watchers);
    await arbiter.reloadAll(arbiter.watchers);
    await arbiter.stopAll(arbiter.watchers);
    assert.deepEqual(asked, ['start', 'reload', 'stop']);
  });

  it('goes by an order that plugins made, unless it is a circle, which is reported', async () => {
    const { arbiter, hooks } = world();
    let edges = new Map([
      ['a', ['b']],
      ['b', ['c']],
    ]);
    hooks.startAfter.tap('test', () => edges);
    const order: string[] = [];
    hooks.beforeStart.tap('test', ({ name }) => void order.push(name));
    for (const name of ['a', 'b', 'c']) world().add({ name });
    await arbiter.startAll(arbiter.watchers);
    assert.deepEqual(order.splice(0), ['c', 'b', 'a']);
    edges = new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]);
    await arbiter.stopAll(arbiter.watchers);
    await arbiter.startAll(arbiter.watchers);
    assert.deepEqual(order, ['a', 'b', 'c']);
    assert.deepEqual(world().faultWords, ['kernel startAfter: ERR_ORDER_CYCLE', 'kernel startAfter: ERR_ORDER_CYCLE']);
  });

  it('stops once, also while it is starting', async () => {
    const { arbiter, hooks } = world();
    let started = false;
    hooks.started.tap('test', () => void (started = true));
    hooks.beforeStart.tap('test', () => never());
    world().add();
    const starting = arbiter.start();
    await flush();
    assert.equal(arbiter.stopping, false);
    assert.equal(arbiter.stop(), arbiter.stop());
    await Promise.all([starting, arbiter.stop()]);
    assert.deepEqual([started, arbiter.stopping], [false, true]);
  });
});

describe('the sockets of an arbiter', () => {
  const world = worldPerTest();
  const spec = socketSpec({ name: 'web', host: '127.0.0.1', port: 0 });

  it('are bound once, told, and handed to the processes that name them, at the same number', async () => {
    const { arbiter, hooks } = world();
    const told: string[] = [];
    hooks.socketBound.tap('test', ({ spec: { name } }) => void told.push(`+${name}`));
    hooks.socketClosed.tap('test', ({ spec: { name } }) => void told.push(`-${name}`));
    const { fd } = await arbiter.addSocket(spec);
    await assert.rejects(arbiter.addSocket(spec), { code: 'ERR_SOCKET_DUPLICATE' });
    const cmd = 'sh -c "exec sleep 6$(circus.sockets.web)"';
    const watcher = await world().up({ cmd, sockets: ['web'] });
    await run('ls', [`/proc/${pidsOf(watcher)[0]}/fd/${fd}`]);
    arbiter.removeSocket('nobody');
    arbiter.removeSocket('web');
    assert.deepEqual([told, isOpen(fd), arbiter.sockets.size], [['+web', '-web'], false, 0]);
  });

  it('are closed at the very end', async () => {
    const { arbiter } = world();
    const { fd } = await arbiter.addSocket(spec);
    await arbiter.stop();
    assert.ok(isOpen(fd));
    arbiter.close();
    assert.ok(!isOpen(fd));
  });
});

describe('the pause between watchers', () => {
  it('is kept after each start, and ended by a stop', async () => {
    const clock = new FakeClock();
    const arbiter = new Arbiter({ clock, warmup_delay: 5 });
    for (const name of ['b', 'a']) arbiter.add(sleeper({ name }));
    const starting = arbiter.start();
    await clock.advance(4999);
    assert.deepEqual([arbiter.get('a').state, arbiter.get('b').state], ['active', 'stopped']);
    await clock.advance(1);
    assert.equal(arbiter.get('b').state, 'active');
    await Promise.all([arbiter.stop(), starting]);
    assert.deepEqual(clock.pending, []);
  });
});

describe('an arbiter by itself', () => {
  it('sleeps while nothing happens, whatever the number of its children', async function () {
    this.timeout(20_000);
    const { stdout } = await run(process.execPath, [fixture('idle-arbiter.mjs'), builtKernel, '50']);
    const { children, woken, active } = JSON.parse(stdout) as { children: number; woken: number; active: number };
    assert.equal(children, 50);
    // One for the timer that ends the measurement, and some for what Node does for itself.
    assert.ok(woken <= 5, `woken ${woken} times`);
    assert.ok(active < 20, `active for ${active} ms`);
  });

  it('keeps its program alive until it has stopped', async () => {
    const program = spawn(process.execPath, [fixture('lone-arbiter.mjs'), builtKernel], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    program.stdout.on('data', (chunk) => (text += chunk));
    await once(program.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(program.exitCode, null);
    program.kill('SIGUSR2');
    const [code] = await once(program, 'close');
    assert.deepEqual([code, text.split('\n')[1], see(Number(text.split('\n')[0]))], [0, 'over', undefined]);
  });
});
