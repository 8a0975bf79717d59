/** Reading the configuration again under a running daemon: what differs, and doing it with the least disturbance. */
import { reasonOf, type Arbiter, type Host, type SocketSpec, type Watcher, type WatcherSpec } from '#core';
import type { Change, ConfigurationService, Plan } from '#plugins/controller/service.js';
import { assemble, type Assembly } from './assemble.js';
import { diff, driftOf, type Comparable } from './config/diff.js';
import { formatProblem } from './config/problem.js';

/** What is read from the files, with the old form of every section that is broken now. */
interface Reading {
  readonly assembly: Assembly;
  readonly target: Comparable;
  readonly changes: readonly Change[];
}

const specOf = <T extends { readonly name: string }>(list: readonly T[], name: string): T =>
  list.find((item) => item.name.toLowerCase() === name.toLowerCase())!;

/** The configuration of a running daemon. */
export class Reconfiguration implements ConfigurationService {
  readonly #file: string;
  readonly #arbiter: Arbiter;
  readonly #host: () => Host;
  #applied: Comparable;
  /** One change at a time: the next one reads the files when the last one is through. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(assembly: Assembly, arbiter: Arbiter, host: () => Host) {
    this.#file = assembly.configuration.file;
    this.#arbiter = arbiter;
    this.#host = host;
    this.#applied = comparable(assembly);
  }

  async plan(): Promise<Plan> {
    return this.#planOf(await this.#read());
  }

  apply(by: string): Promise<Plan> {
    const work = this.#turn.then(async () => {
      const reading = await this.#read();
      const plan = this.#planOf(reading);
      await this.#make(reading, by);
      return plan;
    });
    this.#turn = work.catch(() => undefined);
    return work;
  }

  /** @throws Error when the main file can't be read */
  async #read(): Promise<Reading> {
    const assembly = await assemble(this.#file, process.env);
    if (assembly.written.files.length === 0) throw new Error(assembly.problems.map(formatProblem).join('; '));
    const broken = new Set(
      assembly.problems.filter(({ severity }) => severity === 'error').map(({ section }) => section),
    );
    const target = withKept(this.#applied, comparable(assembly), broken);
    return { assembly, target, changes: diff(this.#running(), target) };
  }

  /** What was applied last, and the watchers that were added since: the files are the truth. */
  #running(): Comparable {
    const { watchers } = this.#arbiter;
    const configured = this.#applied.watchers.filter(({ name }) => this.#arbiter.find(name));
    const added = watchers.filter(
      ({ name }) => !configured.some((spec) => spec.name.toLowerCase() === name.toLowerCase()),
    );
    return { ...this.#applied, watchers: [...configured, ...added.map(({ spec }) => spec)] };
  }

  #planOf({ assembly, changes }: Reading): Plan {
    const drift = this.#applied.watchers.flatMap((spec) => {
      const watcher = this.#arbiter.find(spec.name);
      const keys = watcher ? driftOf(spec, watcher.spec) : [];
      return keys.length > 0 ? { watcher: spec.name, keys } : [];
    });
    return {
      changes,
      drift,
      problems: assembly.problems.map((problem) => `${problem.severity}: ${formatProblem(problem)}`),
    };
  }

  /** Does what the changes ask for; goes on after a failure, and tells of all of them in the end. */
  async #make({ assembly, target, changes }: Reading, by: string): Promise<void> {
    const failures: string[] = [];
    const attempt = async (what: string, action: () => Promise<unknown>) => {
      try {
        await action();
      } catch (error) {
        failures.push(`${what}: ${reasonOf(error)}`);
      }
    };
    const of = (kind: Change['kind'], what: Change['what']) =>
      changes.filter((change) => change.kind === kind && change.what === what);
    const each = (
      kind: Change['kind'],
      what: Change['what'],
      action: (name: string, change: Change) => Promise<unknown>,
    ) =>
      Promise.all(
        of(kind, what).map((change) => attempt(`${kind} "${change.name}"`, () => action(change.name, change))),
      );

    await each('socket', 'added', (name) => this.#arbiter.addSocket(specOf(target.sockets, name)));
    await this.#exchangePlugins(assembly, changes, attempt);
    await each('watcher', 'removed', (name) => this.#arbiter.remove(name, { by }));
    const rebound = new Set<string>();
    await each('socket', 'changed', async (name) => {
      await this.#rebind(specOf(target.sockets, name));
      rebound.add(name);
    });
    await each('watcher', 'changed', (name, change) =>
      this.#change(this.#arbiter.get(name), specOf(target.watchers, name), change, by),
    );
    const touched = this.#arbiter.watchers.filter(
      ({ name, spec, resting }) =>
        !resting &&
        uses(spec, rebound) &&
        !of('watcher', 'changed').some((change) => change.name === name && change.cost === 'reload'),
    );
    await Promise.all(
      touched.map((watcher) =>
        attempt(`watcher "${watcher.name}"`, () => this.#arbiter.reload(watcher, { by }).result),
      ),
    );
    await each('socket', 'removed', async (name) => this.#arbiter.removeSocket(name));
    const added: Watcher[] = [];
    await each('watcher', 'added', async (name) => added.push(this.#arbiter.add(specOf(target.watchers, name))));
    for (const failure of await this.#arbiter.startAll(
      added.filter(({ spec }) => spec.autostart),
      by,
    ))
      failures.push(reasonOf(failure));

    this.#applied = untilRestart(this.#applied, target);
    if (failures.length > 0) throw new Error(failures.join('; '));
  }

  async #exchangePlugins(
    { plugins }: Assembly,
    changes: readonly Change[],
    attempt: (what: string, action: () => Promise<unknown>) => Promise<void>,
  ): Promise<void> {
    for (const { kind, name, what, cost } of changes) {
      if (kind !== 'plugin' || cost === 'daemon') continue;
      const section = plugins.find((plugin) => plugin.name === name);
      const old = this.#applied.plugins.find((plugin) => plugin.name === name);
      await attempt(`plugin "${name}"`, async () => {
        const live = section?.plugin.name ?? old?.use ?? name;
        if (what !== 'added' && this.#host().plugins.includes(live)) await this.#host().unload(live);
        if (what === 'removed' || !section) return;
        const [failure] = await this.#host().load([{ plugin: section.plugin, options: section.options }]);
        if (failure) throw failure.error;
      });
    }
  }

  async #rebind(spec: SocketSpec): Promise<void> {
    this.#arbiter.removeSocket(spec.name);
    await this.#arbiter.addSocket(spec);
  }

  /** Puts the changed keys over what runs, so that what an operator changed since is kept. */
  async #change(watcher: Watcher, target: WatcherSpec, { keys, cost }: Change, by: string): Promise<void> {
    const change = (spec: WatcherSpec) => withKeys(spec, target, keys);
    if (cost === 'reload' && !watcher.resting) await this.#arbiter.reload(watcher, { change, by }).result;
    else watcher.update(change(watcher.spec));
    if (keys.some(({ key }) => key === 'numprocesses')) await watcher.resize(target.numprocesses, by).result;
  }
}

/** A spec with some keys of another: the kernel's own, and those of plugins in its options. */
function withKeys(spec: WatcherSpec, target: WatcherSpec, keys: Change['keys']): WatcherSpec {
  const own: Record<string, unknown> = {};
  const options: Record<string, unknown> = { ...spec.options };
  for (const { key, after } of keys) {
    if (Object.hasOwn(target, key) || Object.hasOwn(spec, key)) own[key] = after;
    else if (after === undefined) delete options[key];
    else options[key] = after;
  }
  return { ...spec, ...own, options: Object.freeze(options) };
}

function comparable({ configuration: { circus, sockets }, watchers, meant }: Assembly): Comparable {
  return { circus, watchers, sockets: sockets.map(({ spec }) => spec), plugins: meant };
}

/** The new configuration, but with the old form of each section that has an error now. */
function withKept(old: Comparable, fresh: Comparable, broken: ReadonlySet<string | undefined>): Comparable {
  const keep = <T extends { readonly name: string }>(kind: string, before: readonly T[], after: readonly T[]) => [
    ...after.filter(({ name }) => !broken.has(`${kind}:${name}`)),
    ...before.filter(({ name }) => broken.has(`${kind}:${name}`)),
  ];
  return {
    circus: fresh.circus,
    watchers: keep('watcher', old.watchers, fresh.watchers),
    sockets: keep('socket', old.sockets, fresh.sockets),
    plugins: keep('plugin', old.plugins, fresh.plugins),
  };
}

/** What is in effect after a change: the daemon's own options stay what they were when it was started. */
function untilRestart(old: Comparable, target: Comparable): Comparable {
  const started = old.plugins.filter(({ use }) => use === 'controller');
  const plugins = [...started, ...target.plugins.filter(({ use }) => use !== 'controller')];
  return { ...target, circus: old.circus, plugins };
}

/** True when processes of a watcher hold one of these sockets. */
function uses(spec: WatcherSpec, sockets: ReadonlySet<string>): boolean {
  if (spec.sockets.length === 0) return spec.use_sockets && sockets.size > 0;
  return spec.sockets.some((name) => sockets.has(name.toLowerCase()));
}
