import assert from 'node:assert/strict';
import { Arbiter } from '../../core/arbiter.js';
import { Host } from '../../core/host.js';
import { definePlugin, type OptionsSchema, type PluginContext } from '../../core/plugin.js';
import { releaseReaper } from '../../core/posix/reap.js';
import { Scope } from '../../core/scope.js';
import { watcherSpec } from '../../core/spec.js';
import { FakeClock, flush } from '../support/clock.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

interface Limits {
  readonly tries: number;
  readonly word: string;
}
const limits: OptionsSchema<Limits> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { tries = 1, word = 'none' } = value as Record<string, unknown>;
      return Number(tries) > 0
        ? { value: { tries: Number(tries), word: String(word) } }
        : { issues: [{ message: 'must be positive', path: ['tries'] }] };
    },
  },
};

describe('the context of a plugin', () => {
  let clock: FakeClock;
  let arbiter: Arbiter;
  let host: Host;
  let faults: string[];
  let context: PluginContext<Limits>;

  beforeEach(async () => {
    watchLeftovers();
    clock = new FakeClock();
    arbiter = new Arbiter({ clock });
    host = new Host(arbiter, () => quiet);
    faults = [];
    arbiter.hooks.view(new Scope('test')).fault.tap('test', ({ plugin, hook, error }) => {
      faults.push(`${plugin} ${hook}: ${(error as Error).message}`);
    });
    const plugin = definePlugin({
      name: 'limited',
      options: limits,
      apply: (given: PluginContext<Limits>) => void (context = given),
    });
    assert.deepEqual(await host.load([{ plugin, options: { tries: '3', word: 'all' } }]), []);
  });
  afterEach(async () => {
    await host.close();
    await assertNothingLeft();
    releaseReaper();
    assert.deepEqual(clock.pending, []);
  });

  const add = (name: string, options: Record<string, unknown>) =>
    arbiter.add(watcherSpec({ name, cmd: 'true', options }));

  it('puts the keys of a watcher over the options of the plugin', () => {
    const watcher = add('own', { 'limited.tries': '7', 'other.tries': '8', tries: '9' });
    assert.deepEqual(context.optionsFor(watcher), { tries: 7, word: 'all' });
    assert.deepEqual(context.optionsFor(add('plain', {})), { tries: 3, word: 'all' });
    assert.equal(context.optionsFor(watcher), context.optionsFor(watcher));
  });

  it('follows a watcher whose spec changes', () => {
    const watcher = add('changing', { 'limited.word': 'old' });
    assert.equal(context.optionsFor(watcher).word, 'old');
    watcher.update({ ...watcher.spec, options: { 'limited.word': 'new' } });
    assert.equal(context.optionsFor(watcher).word, 'new');
  });

  it('reports keys that are wrong once, with the watcher, and goes by the options of the plugin', () => {
    const watcher = add('wrong', { 'limited.tries': '0' });
    for (let round = 0; round < 3; round++) assert.deepEqual(context.optionsFor(watcher), { tries: 3, word: 'all' });
    assert.deepEqual(faults, [
      'limited options of watcher "wrong": plugin "limited": option "tries": must be positive',
    ]);
  });

  it('takes the keys as written where a plugin checks none, and wants no checks that take their time', async () => {
    const contexts: PluginContext[] = [];
    const apply = (given: PluginContext) => void contexts.push(given);
    const slow = { '~standard': { version: 1, vendor: 'test', validate: async () => ({ value: 1 }) } } as const;
    const plugins = [definePlugin({ name: 'free', apply }), definePlugin({ name: 'slow', options: slow, apply })];
    assert.deepEqual(await host.load(plugins.map((plugin) => ({ plugin, options: { a: '1' } }))), []);
    const watcher = add('own', { 'free.b': '2', 'slow.b': '2' });
    assert.deepEqual(contexts[0]!.optionsFor(watcher), { a: '1', b: '2' });
    assert.throws(() => contexts[1]!.optionsFor(watcher), /options per watcher need a synchronous validator/);
  });

  it('guards callbacks: what they throw or reject is a fault, and after the close they are silent', async () => {
    let calls = 0;
    const callback = context.guard((how: string) => {
      calls++;
      if (how === 'throw') throw new Error('thrown');
      return how === 'reject' ? Promise.reject(new Error('rejected')) : undefined;
    });
    for (const how of ['throw', 'reject', 'well']) callback(how);
    await flush();
    assert.deepEqual(faults, ['limited callback: thrown', 'limited callback: rejected']);
    await host.close();
    callback('throw');
    assert.deepEqual([calls, faults.length], [3, 2]);
  });

  it('calls back every so often, guarded, until it closes', async () => {
    let calls = 0;
    context.every(100, () => {
      calls++;
      throw new Error('each time');
    });
    await clock.advance(99);
    assert.equal(calls, 0);
    await clock.advance(201);
    assert.deepEqual([calls, faults.length], [3, 3]);
    await host.close();
    await clock.advance(1000);
    assert.equal(calls, 3);
    assert.throws(() => context.every(100, () => undefined), { code: 'ERR_SCOPE_CLOSED' });
  });

  it('runs helper programs, with their output and how they ended', async () => {
    const script = 'echo out; echo "$A" >&2; pwd; exit 3';
    const ran = await context.run('sh', ['-c', script], { env: { A: 'err', PATH: '/bin:/usr/bin' }, cwd: '/usr' });
    assert.deepEqual(ran, {
      ...{ code: 3, signal: null, timedOut: false, truncated: false },
      ...{ stdout: 'out\n/usr\n', stderr: 'err\n' },
    });
    assert.equal((await context.run('true')).code, 0);
    await assert.rejects(context.run('/nowhere/program'), { code: 'ERR_PROCESS_SPAWN' });
  });

  it('kills helpers that still run when it closes, waits for them, and starts no more', async () => {
    const running = context.run('sleep', ['600']);
    await flush();
    const closing = host.close();
    await clock.advance(100);
    await closing;
    const { signal } = await running;
    assert.equal(signal, 9);
    await assert.rejects(context.run('true'), { code: 'ERR_SCOPE_CLOSED' });
  });

  it('aborts its signal when it closes, before anything is given back', async () => {
    const order: string[] = [];
    context.defer(() => void order.push('given back'));
    context.signal.addEventListener('abort', () => order.push('aborted'));
    await host.close();
    assert.deepEqual(order, ['aborted', 'given back']);
    assert.throws(() => context.hooks.fault.tap('late', () => undefined), { code: 'ERR_SCOPE_CLOSED' });
  });
});
