/** Reading the configuration again under a running daemon: what differs, and doing it with the least disturbance. */
import { dirname, resolve } from 'node:path';
import { reasonOf, usesSocket, type Arbiter, type Host, type Log, type Watcher, type WatcherSpec } from '#core';
import type { Change, ConfigurationService, Plan, Saved } from '#plugins/controller/service.js';
import type { Assembly } from './assemble.js';
import { diff, driftOf, type Comparable } from '../config/diff.js';
import { overridesPath } from '../config/read.js';
import { optionsOf } from '../config/sections.js';
import { mix, withKept, type Traced } from '../config/kept.js';
import { restricted, withKeys } from '../config/partial.js';
import { formatProblem, strictly, type Problem } from '../config/problem.js';
import { protective } from '../config/schema.js';
import { flawsOf } from '../plugins/judges.js';
import { NeededPlugins } from './needed.js';
import { saveOverrides } from './overrides.js';
import { loadedBy } from '../plugins/find.js';
import { lostSocket, SocketChange } from './sockets.js';
import { traced, untilRestart } from './traced.js';

/** What is read from the files, with the old form of every section that is broken now. */
interface Reading {
  readonly assembly: Assembly;
  readonly target: Traced;
  readonly changes: readonly Change[];
}

/** Does one thing; a failure is noted. */
type Attempt = (kind: Change['kind'], name: string, action: () => Promise<unknown>) => Promise<void>;

const specOf = <T extends { readonly name: string }>(list: readonly T[], name: string): T =>
  list.find((item) => item.name.toLowerCase() === name.toLowerCase())!;

/** The configuration of a running daemon. */
export class Reconfiguration implements ConfigurationService {
  readonly #readAgain: Assembly['again'];
  readonly #arbiter: Arbiter;
  readonly #host: () => Host;
  #applied: Traced;
  problems: readonly string[];
  readonly folder: string;
  readonly #listeners = new Set<() => Promise<void>>();
  /** Watchers with restrictions of a change that failed. */
  readonly #restricted = new Set<string>();
  /** Sections to the plugins that were loaded for them. */
  readonly #loaded: Map<string, string>;
  readonly #needed: NeededPlugins;
  readonly #log: Log;
  /** A plan that is being made. */
  #planning: Promise<Plan> | undefined;
  /** One change at a time: the next one reads the files when the last one is through. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(assembly: Assembly, arbiter: Arbiter, host: () => Host, log: Log) {
    this.#readAgain = assembly.again;
    this.#arbiter = arbiter;
    this.#host = host;
    this.#log = log;
    this.folder = dirname(resolve(assembly.configuration.file));
    this.#applied = traced(assembly);
    this.problems = worded(assembly.problems);
    this.#loaded = new Map(assembly.plugins.map(({ name, plugin }) => [name, plugin.name]));
    this.#needed = new NeededPlugins(host, this.#loaded);
  }

  plan(): Promise<Plan> {
    // Those who ask at the same time get the same: reading starts programs to look at plugins.
    this.#planning ??= this.#read()
      .then((reading) => this.#planOf(reading))
      .finally(() => (this.#planning = undefined));
    return this.#planning;
  }

  /** Tells of what is wrong beside what is written, such as a port in use. */
  add(problems: readonly Problem[]): void {
    this.#tell(problems);
    this.problems = [...this.problems, ...worded(problems)];
  }

  onApplied(action: () => Promise<void>): () => void {
    this.#listeners.add(action);
    return () => void this.#listeners.delete(action);
  }

  async judge(spec: WatcherSpec): Promise<readonly string[]> {
    const sockets = [...this.#arbiter.sockets.values()].map((socket) => socket.spec);
    const [flaws = []] = await flawsOf([spec], sockets, this.folder);
    return flaws.map(({ key, message }) => `"${key}" ${message}`);
  }

  need(plugin: string): Promise<void> {
    return this.#needed.need(plugin);
  }

  async save(watcher?: string): Promise<Saved> {
    const { configuration, written } = await this.#readAgain();
    const file = overridesPath(configuration.file, optionsOf(written, 'circus').get('overrides'), process.env);
    if (file === undefined) throw new Error('there is no file to save to: write "overrides = FILE" into [circus]');
    const all = this.#drift();
    const asked = all.filter((drift) => watcher === undefined || drift.watcher.toLowerCase() === watcher.toLowerCase());
    if (asked.length === 0) return { file, saved: [], unsaved: [] };
    const isShell = [...written.sections.values()].some(({ options }) =>
      /shell/i.test(options.get('expand')?.value ?? ''),
    );
    const { saved, unsaved } = saveOverrides(file, asked, isShell);
    const keysOf = new Map(saved.map((drift) => [drift.watcher, drift.keys.map(({ key }) => key)]));
    const watchers = this.#applied.watchers.map((spec) => {
      const keys = keysOf.get(spec.name);
      return keys ? withKeys(spec, this.#arbiter.get(spec.name).spec, keys) : spec;
    });
    this.#applied = { ...this.#applied, watchers };
    return { file, saved, unsaved };
  }

  apply(by: string): Promise<Plan> {
    const work = this.#turn.then(async () => {
      const reading = await this.#read();
      const plan = this.#planOf(reading);
      this.#tell(reading.assembly.problems);
      this.problems = plan.problems;
      await this.#make(reading, by);
      return plan;
    });
    work.catch((error: unknown) => this.#log.error(`reloadconfig: ${reasonOf(error)}`));
    this.#turn = work.catch(() => undefined);
    return work;
  }

  /** @throws Error when the main file can't be read */
  async #read(): Promise<Reading> {
    const read = await this.#readAgain();
    // What is running well is not changed by a key that was probably mistyped.
    const assembly = { ...read, problems: strictly(read.problems) };
    if (assembly.written.files.length === 0) throw new Error(assembly.problems.map(formatProblem).join('; '));
    const target = withKept(this.#applied, traced(assembly), assembly, loadedBy);
    return { assembly, target, changes: diff(this.#running(), target) };
  }

  /** What was changed at run time, per watcher. */
  #drift(): Plan['drift'] {
    return this.#applied.watchers.flatMap((spec) => {
      const watcher = this.#arbiter.find(spec.name);
      // What it needs follows from its options.
      const keys = watcher ? driftOf(spec, watcher.spec).filter(({ key }) => key !== 'needs') : [];
      return keys.length > 0 ? { watcher: spec.name, keys } : [];
    });
  }

  #tell(problems: readonly Problem[]): void {
    for (const problem of problems) this.#log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem));
  }

  /** What was applied last, and the watchers that were added since: the files are the truth. */
  #running(): Comparable {
    const { watchers } = this.#arbiter;
    const configured = this.#applied.watchers.filter(({ name }) => this.#arbiter.find(name));
    const added = watchers.filter(
      ({ name }) => !configured.some((spec) => spec.name.toLowerCase() === name.toLowerCase()),
    );
    const sockets = this.#applied.sockets.filter(({ name }) => this.#arbiter.sockets.has(name));
    return { ...this.#applied, sockets, watchers: [...configured, ...added.map(({ spec }) => spec)] };
  }

  #planOf({ assembly, changes }: Reading): Plan {
    return {
      changes,
      drift: this.#drift(),
      problems: worded(assembly.problems),
    };
  }

  /** Does what the changes ask for; goes on after a failure, and tells of all in the end: what failed is tried again. */
  async #make({ assembly, target, changes }: Reading, by: string): Promise<void> {
    const failures: string[] = [];
    const failed = new Set<string>();
    const attempt: Attempt = async (kind, name, action) => {
      try {
        await action();
      } catch (error) {
        failed.add(`${kind}:${name}`.toLowerCase());
        failures.push(`${kind} "${name}": ${reasonOf(error)}`);
      }
    };
    const of = (kind: Change['kind'], what: Change['what']) =>
      changes.filter((change) => change.kind === kind && change.what === what);
    const each = (
      kind: Change['kind'],
      what: Change['what'],
      action: (name: string, change: Change) => Promise<unknown>,
    ) => Promise.all(of(kind, what).map((change) => attempt(kind, change.name, () => action(change.name, change))));

    const sockets = new SocketChange(this.#arbiter, assembly.configuration, changes, this.#log);
    try {
      await sockets.open(target.sockets, attempt);
      await this.#exchangePlugins(assembly, changes, attempt);
      await each('watcher', 'removed', (name) => this.#arbiter.remove(name, { by }));
      this.#lift(target, changes);
      await each('watcher', 'changed', (name, change) =>
        this.#change(this.#arbiter.get(name), specOf(target.watchers, name), change, by),
      );
      await sockets.remove(attempt);
      const touched = this.#arbiter.watchers.filter(
        ({ name, spec, resting }) =>
          !resting &&
          [...sockets.renewed].some((socket) => usesSocket(spec, socket)) &&
          !of('watcher', 'changed').some((change) => change.name === name && change.cost === 'reload'),
      );
      await Promise.all(
        touched.map((watcher) => attempt('watcher', watcher.name, () => this.#arbiter.reload(watcher, { by }).result)),
      );
    } finally {
      sockets.close();
    }
    const added: Watcher[] = [];
    await each('watcher', 'added', async (name) => {
      const spec = specOf(target.watchers, name);
      const [, socket] = lostSocket(spec, sockets.lost) ?? [];
      if (socket !== undefined) throw new Error(`it names socket "${socket}", which could not be bound`);
      added.push(this.#arbiter.add(spec));
    });
    for (const failure of await this.#arbiter.startAll(
      added.filter(({ spec }) => spec.autostart),
      by,
    ))
      failures.push(reasonOf(failure));

    const made = mix(this.#applied, target, (kind, name) => failed.has(`${kind}:${name}`.toLowerCase()));
    this.#applied = untilRestart(this.#applied, made);
    await Promise.all([...this.#listeners].map((action) => action()));
    if (failures.length > 0) throw new Error(failures.join('; '));
  }

  /** Lifts the restrictions of a change that failed and is not wanted any more. */
  #lift(target: Traced, changes: readonly Change[]): void {
    for (const name of this.#restricted) {
      if (changes.some((change) => change.kind === 'watcher' && change.name === name)) continue;
      const watcher = this.#arbiter.find(name);
      const spec = target.watchers.find((one) => one.name === name);
      this.#restricted.delete(name);
      if (!watcher || !spec) continue;
      watcher.update(withKeys(watcher.spec, spec, [...protective, 'needs']));
      watcher.wake();
    }
  }

  async #exchangePlugins({ plugins }: Assembly, changes: readonly Change[], attempt: Attempt): Promise<void> {
    for (const { kind, name, what, cost } of changes) {
      if (kind !== 'plugin' || cost === 'daemon') continue;
      const section = plugins.find((plugin) => plugin.name === name);
      await attempt('plugin', name, async () => {
        const host = this.#host();
        const live = this.#loaded.get(name);
        this.#loaded.delete(name);
        const loading = what === 'removed' ? undefined : section;
        if (live !== undefined && host.plugins.includes(live)) {
          if (!loading) return void (await host.unload(live));
          const { failures } = await host.reload(live, loading);
          for (const { plugin, error } of failures)
            this.#log.error(`plugin ${plugin} is not loaded: ${reasonOf(error)}`);
          const own = failures.find(({ plugin }) => plugin === loading.plugin.name);
          if (own && host.plugins.includes(live)) this.#loaded.set(name, live);
          if (own) throw own.error;
        } else {
          if (!loading) return;
          const [failure] = await host.load([loading]);
          if (failure) throw failure.error;
        }
        this.#loaded.set(name, loading.plugin.name);
      });
    }
  }

  /** Puts the changed keys over what runs, so that what an operator changed since is kept. */
  async #change(watcher: Watcher, target: WatcherSpec, { keys, cost }: Change, by: string): Promise<void> {
    const change = (spec: WatcherSpec) =>
      withKeys(
        spec,
        target,
        keys.map(({ key }) => key),
      );
    // At once and not with the reload: what is respawned until then, or after one that failed, must not have the rights.
    if (keys.some(({ key }) => protective.has(key))) {
      watcher.update(restricted(watcher.spec, target));
      this.#restricted.add(watcher.name);
    }
    if (cost === 'reload' && !watcher.resting) await this.#arbiter.reload(watcher, { change, by }).result;
    else watcher.update(change(watcher.spec));
    this.#restricted.delete(watcher.name);
    if (keys.some(({ key }) => key === 'numprocesses')) await watcher.resize(target.numprocesses, by).result;
  }
}

const worded = (problems: readonly Problem[]) =>
  problems.map((problem) => `${problem.severity}: ${formatProblem(problem)}`);
