/** Reading the configuration again under a running daemon: what differs, and doing it with the least disturbance. */
import { dirname, resolve } from 'node:path';
import { reasonOf, type Arbiter, type Host, type Log, type WatcherSpec } from '#core';
import type {
  Carrier,
  ConfigurationService,
  InnerPlugin,
  KeyChange,
  Plan,
  Saved,
} from '#plugins/controller/service.js';
import { Aside } from './aside.js';
import type { Assembly } from './assemble.js';
import { ConfigurationChange, type Changeable, type Reading } from './change.js';
import { diff, driftOf, type Comparable } from '../config/diff.js';
import { overridesPath } from '../config/read.js';
import { optionsOf } from '../config/sections.js';
import { mix, withKept, type Traced } from '../config/kept.js';
import { withKeys } from '../config/partial.js';
import { formatProblem, strictly, type Problem } from '../config/problem.js';
import { allProblems } from './foresight.js';
import { flawsOf } from '../plugins/judges.js';
import { InnerPlugins } from './inner-plugins.js';
import { NeededPlugins } from './needed.js';
import { saveOverrides } from './overrides.js';
import { isNeeded, loadedBy, ownerOfKey } from '../plugins/find.js';
import { traced, untilRestart } from './traced.js';
import { leftOut, worded } from './wrong.js';

/** The configuration of a running daemon. */
export class Reconfiguration implements ConfigurationService {
  readonly #readAgain: Assembly['again'];
  readonly #arbiter: Arbiter;
  #applied: Traced;
  #problems: readonly Problem[];
  readonly file: string;
  readonly folder: string;
  readonly #aside = new Aside();
  readonly #listeners = new Set<() => Promise<void>>();
  readonly #changeable: Changeable;
  readonly #needed: NeededPlugins;
  readonly #inner: InnerPlugins;
  readonly #log: Log;
  /** Until all watchers of the files are there, and while they change. */
  placing = true;
  /** A plan that is being made. */
  #planning: Promise<Plan> | undefined;
  /** One change at a time: the next one reads the files when the last one is through. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(assembly: Assembly, arbiter: Arbiter, host: () => Host, log: Log) {
    this.#readAgain = assembly.again;
    this.#arbiter = arbiter;
    this.#log = log;
    this.file = resolve(assembly.configuration.file);
    this.folder = dirname(this.file);
    this.#applied = traced(assembly);
    this.#problems = assembly.problems;
    const loaded = new Map(assembly.plugins.map(({ name, plugin }) => [name, plugin.name]));
    this.#changeable = { arbiter, host, log, loaded, restricted: new Set() };
    this.#needed = new NeededPlugins(host, loaded);
    this.#inner = new InnerPlugins(host, loaded);
    this.#inner.take(assembly.meant, assembly.plugins);
  }

  plan(): Promise<Plan> {
    // Those who ask at the same time get the same: reading starts programs to look at plugins.
    this.#planning ??= this.#read()
      .then((reading) => this.#planOf(reading))
      .finally(() => (this.#planning = undefined));
    return this.#planning;
  }

  /** Tells of what is wrong beside what is written, such as a port in use; a plugin that is missed is tried again. */
  add(problems: readonly Problem[]): void {
    this.#tell(problems);
    const sections = new Set(problems.map(({ section }) => section));
    const plugins = this.#applied.plugins.filter(({ name }) => !sections.has(`plugin:${name}`));
    this.#applied = { ...this.#applied, plugins };
    this.#problems = [...this.#problems, ...problems];
  }

  get problems(): readonly string[] {
    return worded(this.#problems);
  }

  leftOut(watcher: string): string | undefined {
    return leftOut(this.#problems, watcher);
  }

  onApplied(action: () => Promise<void>): () => void {
    this.#listeners.add(action);
    return () => void this.#listeners.delete(action);
  }

  async judge(spec: WatcherSpec): Promise<readonly string[]> {
    const sockets = [...this.#arbiter.sockets.values()].map((socket) => socket.spec);
    const others = this.#arbiter.watchers.flatMap((watcher) => (watcher.name === spec.name ? [] : watcher.spec));
    const [flaws = []] = await flawsOf([spec], sockets, this.#applied.plugins, this.folder, [...others, spec]);
    return flaws.map(({ key, message }) => `"${key}" ${message}`);
  }

  differences(before: WatcherSpec, after: WatcherSpec): readonly KeyChange[] {
    // What it needs follows from its options.
    return driftOf(before, after).filter(({ key }) => key !== 'needs');
  }

  putAside(...rollback: Parameters<Aside['put']>): void {
    this.#aside.put(...rollback);
  }

  carrier(key: string): Carrier | undefined {
    const owner = ownerOfKey(key);
    return owner && { plugin: owner.name, needed: isNeeded(key) };
  }

  need(plugin: string): Promise<void> {
    return this.#needed.need(plugin);
  }

  get innerPlugins(): readonly InnerPlugin[] {
    return this.#inner.list;
  }

  switchPlugin(name: string, on: boolean): Promise<boolean> {
    return this.#inTurn(() => this.#inner.switch(name, on));
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
    const work = this.#inTurn(async () => {
      const reading = await this.#read();
      const plan = this.#planOf(reading);
      this.#tell(reading.assembly.problems);
      await this.#make(reading, by);
      return plan;
    });
    work.catch((error: unknown) => this.#log.error(`reloadconfig: ${reasonOf(error)}`));
    return work;
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const work = this.#turn.then(action);
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
    return { assembly, target, changes: this.#aside.mark(diff(this.#running(), target), target.watchers) };
  }

  /** What was changed at run time, per watcher. */
  #drift(): Plan['drift'] {
    return this.#applied.watchers.flatMap((spec) => {
      const watcher = this.#arbiter.find(spec.name);
      const keys = watcher ? this.differences(spec, watcher.spec) : [];
      return keys.length > 0 ? { watcher: spec.name, keys } : [];
    });
  }

  #tell(problems: readonly Problem[]): void {
    for (const problem of problems) this.#log[problem.severity === 'error' ? 'error' : 'warn'](formatProblem(problem));
  }

  /** What was applied last, and the watchers that were added since: the files are the truth. */
  #running(): Comparable {
    const { watchers } = this.#arbiter;
    const configured = this.#applied.watchers.flatMap((spec) => {
      const watcher = this.#arbiter.find(spec.name);
      return watcher ? this.#aside.over(spec, watcher.spec) : [];
    });
    const added = watchers.filter(
      ({ name }) => !configured.some((spec) => spec.name.toLowerCase() === name.toLowerCase()),
    );
    const sockets = this.#applied.sockets.filter(({ name }) => this.#arbiter.sockets.has(name));
    return { ...this.#applied, sockets, watchers: [...configured, ...added.map(({ spec }) => spec)] };
  }

  #planOf({ assembly, changes }: Reading): Plan {
    return { changes, drift: this.#drift(), problems: worded(allProblems(assembly)) };
  }

  /** Does what the changes ask for. @throws Error that tells of all that failed, which is tried again the next time */
  async #make(reading: Reading, by: string): Promise<void> {
    const change = new ConfigurationChange(this.#changeable, reading, by);
    this.placing = true;
    await change.make().finally(() => (this.placing = false));
    this.#problems = [...reading.assembly.problems, ...change.problems];
    this.#applied = untilRestart(this.#applied, mix(this.#applied, reading.target, change.failed));
    this.#aside.clear((name) => change.failed('watcher', name));
    this.#inner.take(this.#applied.plugins, reading.assembly.plugins);
    await Promise.all([...this.#listeners].map((action) => action()));
    if (change.failures.length > 0) throw new Error(change.failures.join('; '));
  }
}
