import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Arbiter } from '../../core/arbiter.js';
import { isOpen } from '../../core/posix/descriptor.js';
import { send } from '../../core/posix/process.js';
import { socketSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';
import { see } from '../support/proc.js';
import { builtKernel } from './built.js';
import { programPath } from './child.js';
import { deaf, hasSignal, pidsOf, sleeper, worldPerTest } from './world.js';

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

describe('the watchers of an arbiter', () => {
  const world = worldPerTest();

  it('are found without regard to case, and no two names are alike', async () => {
    const { arbiter } = world();
    const watcher = world().add({ name: 'Web' });
    assert.equal(arbiter.get('wEB'), watcher);
    assert.equal(arbiter.find('nobody'), undefined);
    assert.throws(() => arbiter.get('nobody'), {
      code: 'ERR_WATCHER_UNKNOWN',
      message: 'watcher "nobody" is not there',
    });
    assert.throws(() => world().add({ name: 'wEb' }), { code: 'ERR_WATCHER_DUPLICATE' });
  });

  it('come and go, and that is told', async () => {
    const { arbiter, hooks } = world();
    const told: string[] = [];
    hooks.watcherAdded.tap('test', ({ name }) => void told.push(`+${name}`));
    hooks.watcherRemoved.tap('test', ({ name }) => void told.push(`-${name}`));
    const watcher = await world().up({ name: 'a' });
    const [pid] = pidsOf(watcher);
    await arbiter.remove('A');
    assert.deepEqual([told, arbiter.watchers, see(pid!)], [['+a', '-a'], [], undefined]);
    await assert.rejects(arbiter.remove('a'), { code: 'ERR_WATCHER_UNKNOWN' });
  });

  it('that are still being taken out are waited for by the stop', async () => {
    const { arbiter } = world();
    const watcher = await world().up({ ...deaf, graceful_timeout: 0.2 });
    const [pid] = pidsOf(watcher);
    await world().until(() => hasSignal(pid!, 'SigIgn', 15));
    const removing = arbiter.remove('sleeper');
    await arbiter.stop();
    assert.equal(see(pid!), undefined);
    await removing;
  });

  it('can be taken out and left running', async () => {
    const { arbiter } = world();
    const watcher = await world().up({ numprocesses: 2 });
    const [one, other] = pidsOf(watcher);
    await arbiter.remove('sleeper', { nostop: true });
    send(one!, 9);
    await world().until(() => watcher.processes.length === 1);
    await flush();
    assert.deepEqual(pidsOf(watcher), [other]);
    await arbiter.stop();
    assert.equal(see(other!)?.zombie, false);
    send(other!, 9);
    await world().until(() => watcher.processes.length === 0);
  });

  it('are what plugins make of their specs, or are not added', () => {
    const { hooks } = world().plugin('editor');
    hooks.watcherSpec.tap('editor', (spec) => {
      if (spec.name === 'bad') throw new Error('no such key');
      return { ...spec, numprocesses: 3 };
    });
    assert.equal(world().add().spec.numprocesses, 3);
    assert.throws(() => world().add({ name: 'bad' }), {
      code: 'ERR_HOOK_REFUSED',
      message: 'hook "watcherSpec" refused: editor (no such key)',
    });
    assert.equal(world().arbiter.find('bad'), undefined);
  });

  it('are reloaded together, along the order', async () => {
    const { arbiter } = world();
    world().add({ name: 'a', ready_after: 0 });
    world().add({ name: 'b', ready_after: 0 });
    await arbiter.start();
    const before = arbiter.watchers.flatMap(pidsOf);
    assert.deepEqual(await arbiter.reloadAll(arbiter.watchers), []);
    assert.ok(!arbiter.watchers.flatMap(pidsOf).some((pid) => before.includes(pid)));
  });

  it('have their operations kept: those under way, and the last ones', async () => {
    const { arbiter } = world();
    const watcher = await world().up();
    const told: string[] = [];
    world().hooks.operationChanged.tap('test', ({ kind, state }) => void told.push(`${kind} ${state}`));
    const operation = watcher.start('me');
    assert.equal(arbiter.operations.get(operation.id), operation);
    await operation.result;
    assert.deepEqual([told, operation.by], [['start queued', 'start running', 'start done'], 'me']);
    for (let round = 0; round < 150; round++) await watcher.start().result;
    assert.ok(arbiter.operations.size <= 101 && !arbiter.operations.has(operation.id));
  });
});

describe('a watcher with keys of a plugin', () => {
  const world = worldPerTest();
  const limited = { name: 'limited', needs: ['limits'] };

  it('waits for the plugin, says so, and starts when it comes', async () => {
    const { arbiter } = world();
    const watcher = world().add(limited);
    await arbiter.start();
    assert.deepEqual([watcher.state, watcher.wanted, watcher.processes.length], ['waiting', 'up', 0]);
    assert.equal(watcher.reason, 'it has keys of plugin "limits", which is not loaded: without it, it is not started');
    arbiter.plugins.add('limits');
    watcher.wake();
    await world().until(() => watcher.state === 'active');
    await watcher.stop().result;
    watcher.wake();
    await flush();
    assert.equal(watcher.state, 'stopped');
  });

  it('goes on without it, but is not given another process, nor a new one by a reload', async () => {
    const { arbiter } = world();
    arbiter.plugins.add('limits');
    const watcher = await world().up({ ...limited, numprocesses: 2 });
    arbiter.plugins.delete('limits');
    const [one, other] = pidsOf(watcher);
    send(one!, 9);
    await world().until(() => watcher.history.length === 1);
    await assert.rejects(arbiter.reload(watcher).result, { code: 'ERR_PLUGIN_UNKNOWN' });
    await flush();
    assert.deepEqual([watcher.state, pidsOf(watcher)], ['active', [other]]);
    send(other!, 9);
    await world().until(() => watcher.state === 'waiting');
    arbiter.plugins.add('limits');
    watcher.wake();
    await world().until(() => watcher.processes.length === 2);
  });

  it('is not started when the plugin goes away just before', async () => {
    const { arbiter } = world();
    const { hooks } = world().plugin('slow');
    hooks.spawnSpec.tap('slow', () => void arbiter.plugins.delete('limits'));
    arbiter.plugins.add('limits');
    const watcher = world().add(limited);
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.processes.length, watcher.history], ['waiting', 0, []]);
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
    const { stdout } = await run(process.execPath, [programPath('idle-arbiter.mjs'), builtKernel, '50']);
    const { children, woken, active } = JSON.parse(stdout) as { children: number; woken: number; active: number };
    assert.equal(children, 50);
    // One for the timer that ends the measurement, and some for what Node does for itself.
    assert.ok(woken <= 5, `woken ${woken} times`);
    assert.ok(active < 20, `active for ${active} ms`);
  });

  it('keeps its program alive until it has stopped', async () => {
    const program = spawn(process.execPath, [programPath('lone-arbiter.mjs'), builtKernel], {
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
