import assert from 'node:assert/strict';
import { systemClock, type Clock } from '../../core/clock.js';
import { catalogue, type HookName, type TapPoint } from '../../core/hooks.js';
import { send } from '../../core/posix/process.js';
import { socketSpec } from '../../core/spec.js';
import { worldPerTest, type World } from './world.js';

/** The clock of the machine, with deadlines and pauses that a test can wait for. */
const hurried: Clock = {
  ...systemClock,
  after: (delay, action) => systemClock.after(delay >= 500 ? delay / 25 : delay, action),
};

const misbehaviours = {
  throwing: () => {
    throw new Error('thrown');
  },
  rejecting: () => Promise.reject(new Error('rejected')),
  hanging: () => new Promise(() => undefined),
  babbling: () => 'nonsense',
};
type Misbehaviour = keyof typeof misbehaviours;
const names = Object.keys(misbehaviours) as Misbehaviour[];

/** The watcher that a hook is about, by whichever of its arguments tells; undefined where it is about none. */
function subjectOf(args: readonly unknown[]): string | undefined {
  const found = args.map((argument) => {
    if (typeof argument !== 'object' || argument === null) return undefined;
    const { watcher, name } = argument as { watcher?: unknown; name?: unknown };
    return typeof watcher === 'string' ? watcher : name;
  });
  return found.find((name): name is Misbehaviour => names.includes(name as Misbehaviour) || name === 'good') as string;
}

/** Waits no longer than a while: a bad plugin may have no end. */
const patiently = (promise: Promise<unknown>) =>
  Promise.race([promise.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 300))]);

/** What a good watcher goes through, and the bad ones beside it. */
async function live(world: World): Promise<void> {
  const { arbiter } = world;
  await arbiter.addSocket(socketSpec({ name: 's', host: '127.0.0.1', port: 0 }));
  const cmd = 'sh -c "echo hello; exec sleep 600"';
  for (const name of [...names, 'good']) {
    try {
      world.add({ name, cmd, ready_after: 0, stop_children: true });
    } catch (error) {
      assert.match((error as Error).message, new RegExp(`\\b${name}\\b`));
    }
  }
  const good = arbiter.get('good');
  const starting = arbiter.start();
  await world.until(() => good.state === 'active' && good.processes.length === 1);
  // That good is up is enough for good; the others may need longer, or for ever.
  await patiently(starting);
  const first = good.processes[0]!.pid;
  const killed = arbiter.watchers.flatMap(({ processes }) => processes);
  for (const { pid } of killed) send(pid, 9);
  await world.until(() => killed.every(({ alive }) => !alive));
  await world.until(() => good.processes.some(({ pid }) => pid !== first));
  for (const { means } of arbiter.watchers) assert.equal(means.by, 'subreaper');
  const bad = arbiter.watchers.filter(({ name }) => name !== 'good');
  for (const watcher of bad) void arbiter.reload(watcher).result.catch(() => undefined);
  await arbiter.reload(good).result;
  await good.resize(2).result;
  await good.kill(good.processes);
  await world.until(() => good.processes.filter(({ stopping }) => !stopping).length === 2);
  await Promise.all(bad.map((watcher) => patiently(watcher.resize(2).result)));
  await good.stop().result;
  assert.equal(good.state, 'stopped');
  await Promise.all(bad.map((watcher) => patiently(watcher.stop().result)));
  // What has no deadline is ended by the operator.
  for (const watcher of bad) {
    for (const operation of watcher.queue.operations) operation.cancel('operator');
    await watcher.stop().result.catch(() => undefined);
  }
  arbiter.removeSocket('s');
  // As whoever takes one out asks.
  for (const watcher of arbiter.watchers) assert.deepEqual(arbiter.hooks.change('removal', [], watcher), []);
  await patiently(starting);
  await arbiter.remove('good');
  await patiently(Promise.all(bad.map(({ name }) => arbiter.remove(name))));
  await world.until(() => [good, ...bad].every(({ processes }) => processes.length === 0));
  await arbiter.stop();
}

describe('a plugin that is bad in one hook leaves the watchers of others alone', () => {
  const world = worldPerTest(() => hurried);

  for (const hook of Object.keys(catalogue) as HookName[]) {
    const { kind, onFault, deadline } = catalogue[hook];

    it(hook, async function () {
      this.timeout(15_000);
      world().hooks.spawnSpec.tap('witness', (spec) => ({ ...spec, files: { ...spec.files, 1: 'pipe' } }));
      if (hook === 'retrying') world().hooks.respawn.tap('witness', () => ({ retryIn: 1 }));
      const asked = new Set<Misbehaviour>();
      const scopes = names.map((how) => {
        const { hooks, scope } = world().plugin(how);
        (hooks as unknown as Record<HookName, TapPoint<'fault'>>)[hook].tap(how, (...args: unknown[]) => {
          const subject = subjectOf(args);
          if (subject !== undefined && subject !== how) return undefined;
          asked.add(how);
          return misbehaviours[how]() as never;
        });
        return scope;
      });
      await live(world());
      if (hook !== 'fault') assert.deepEqual([...asked].sort(), [...names].sort());

      const isAsync = kind !== 'notice' && kind !== 'change';
      const expected: readonly (readonly [Misbehaviour, RegExp, boolean])[] = [
        ['throwing', /^thrown$/, true],
        ['rejecting', /^rejected$/, true],
        ['hanging', /did not answer hook/, isAsync && deadline < Infinity],
        ['babbling', /answered .*nonsense/, kind !== 'notice' && kind !== 'series'],
      ];
      for (const [how, words, due] of expected) {
        if (!due || onFault === 'drop') continue;
        await world().until(() =>
          world().faults.some(
            ({ plugin, hook: where, error }) =>
              plugin === how && where === hook && words.test((error as Error).message),
          ),
        );
      }
      assert.ok(world().faults.every((fault) => fault.hook === hook && names.includes(fault.plugin as Misbehaviour)));
      for (const scope of scopes) await scope.close();
    });
  }
});
