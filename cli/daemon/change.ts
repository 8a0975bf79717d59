/** A change of the configuration under a running daemon, carried out with the least disturbance. */
import { reasonOf, usesSocket, type Arbiter, type Host, type Log, type Watcher, type WatcherSpec } from '#core';
import type { Change } from '#plugins/controller/service.js';
import { titleOf, type Assembly } from './assemble.js';
import type { Traced } from '../config/kept.js';
import { restricted, withKeys } from '../config/partial.js';
import { formatProblem, type Problem } from '../config/problem.js';
import { protective } from '../config/schema.js';
import { demandSockets, lostSocket, placeOfSocket, SocketChange, type Attempt, type Changing } from './sockets.js';

/** What is read from the files, with the old form of every section that is broken now. */
export interface Reading {
  readonly assembly: Assembly;
  readonly target: Traced;
  readonly changes: readonly Change[];
}

/** What a change is made to, and what is remembered of the changes before. */
export interface Changeable {
  readonly arbiter: Arbiter;
  readonly host: () => Host;
  readonly log: Log;
  /** Sections to the plugins that were loaded for them. */
  readonly loaded: Map<string, string>;
  /** Watchers with restrictions of a change that failed. */
  readonly restricted: Set<string>;
}

const keyOf = (kind: Change['kind'], name: string) => `${kind}:${name}`.toLowerCase();

/** One change; it goes on after a failure, and tells of all of them when it is made. */
export class ConfigurationChange {
  /** What failed: it keeps its old form, and is tried again. */
  readonly problems: Problem[] = [];
  /** Why watchers that were added did not start. */
  readonly #unstarted: string[] = [];
  readonly #failed = new Set<string>();
  readonly #to: Changeable;
  readonly #reading: Reading;
  readonly #by: string;
  readonly #sockets: SocketChange;

  constructor(to: Changeable, reading: Reading, by: string) {
    this.#to = to;
    this.#reading = reading;
    this.#by = by;
    this.#sockets = new SocketChange(to.arbiter, reading.changes, to.log);
  }

  /** Makes it, once. */
  async make(): Promise<void> {
    try {
      await this.#sockets.open(this.#reading.target.sockets, this.#attempt);
      await this.#exchangePlugins();
      await this.#removeWatchers();
      this.#lift();
      await this.#changeWatchers();
      await this.#sockets.remove(this.#attempt);
      await this.#renewSockets();
    } finally {
      this.#sockets.close();
    }
    await this.#addWatchers();
  }

  /** True for what keeps its old form, as its change failed. */
  readonly failed = (kind: Change['kind'], name: string): boolean => this.#failed.has(keyOf(kind, name));

  /** All that went wrong, each as one line. */
  get failures(): readonly string[] {
    return [...this.problems.map(formatProblem), ...this.#unstarted];
  }

  readonly #attempt: Attempt = async (change, action) => {
    try {
      await action();
    } catch (error) {
      this.#failed.add(keyOf(change.kind, change.name));
      this.problems.push(this.#problemOf(change, reasonOf(error)));
    }
  };

  #each(what: Change['what'], action: (name: string, change: Change) => Promise<unknown>): Promise<unknown> {
    const watchers = this.#reading.changes.filter((change) => change.kind === 'watcher' && change.what === what);
    return Promise.all(watchers.map((change) => this.#attempt(change, () => action(change.name, change))));
  }

  async #exchangePlugins(): Promise<void> {
    for (const change of this.#reading.changes) {
      if (change.kind !== 'plugin' || change.cost === 'daemon') continue;
      await this.#attempt(change, () => this.#exchangePlugin(change));
    }
  }

  async #exchangePlugin({ name, what }: Change): Promise<void> {
    const { loaded, log } = this.#to;
    const host = this.#to.host();
    const section = this.#reading.assembly.plugins.find((plugin) => plugin.name === name);
    const live = loaded.get(name);
    loaded.delete(name);
    const loading = what === 'removed' ? undefined : section;
    if (live !== undefined && host.plugins.includes(live)) {
      if (!loading) return void (await host.unload(live));
      const { failures } = await host.reload(live, loading);
      const own = failures.find(({ plugin }) => plugin === loading.plugin.name);
      for (const failure of failures)
        if (failure !== own) log.error(`plugin "${failure.plugin}" is not loaded: ${reasonOf(failure.error)}`);
      if (own && host.plugins.includes(live)) loaded.set(name, live);
      if (own) throw own.error;
    } else {
      if (!loading) return;
      const [failure] = await host.load([loading]);
      if (failure) throw failure.error;
    }
    loaded.set(name, loading.plugin.name);
  }

  async #removeWatchers(): Promise<void> {
    await this.#each('removed', (name) => this.#to.arbiter.remove(name, { by: this.#by }));
  }

  /** Lifts the restrictions of a change that failed and is not wanted any more. */
  #lift(): void {
    const { arbiter, restricted } = this.#to;
    const { changes, target } = this.#reading;
    for (const name of restricted) {
      if (changes.some((change) => change.kind === 'watcher' && change.name === name)) continue;
      const watcher = arbiter.find(name);
      const spec = target.watchers.find((one) => one.name === name);
      restricted.delete(name);
      if (!watcher || !spec) continue;
      watcher.update(withKeys(watcher.spec, spec, [...protective, 'needs']));
      watcher.wake();
    }
  }

  async #changeWatchers(): Promise<void> {
    await this.#each('changed', (name, change) =>
      this.#changeWatcher(this.#to.arbiter.get(name), this.#specOf(name), change),
    );
  }

  /** Puts the changed keys over what runs, so that what an operator changed since is kept. */
  async #changeWatcher(watcher: Watcher, target: WatcherSpec, { keys, cost }: Change): Promise<void> {
    const by = this.#by;
    const names = keys.map(({ key }) => key);
    const change = (spec: WatcherSpec) => withKeys(spec, target, names);
    // At once and not with the reload: what is respawned until then, or after one that failed, must not have the rights.
    if (names.some((key) => protective.has(key))) {
      watcher.update(restricted(watcher.spec, target));
      this.#to.restricted.add(watcher.name);
    }
    demandSockets(target, this.#sockets.lost);
    if (cost === 'reload' && !watcher.resting) await this.#to.arbiter.reload(watcher, { change, by }).result;
    else watcher.update(change(watcher.spec));
    this.#to.restricted.delete(watcher.name);
    if (names.includes('numprocesses')) await watcher.resize(target.numprocesses, by).result;
  }

  /** Reloads the watchers that run with a socket which was renewed, unless they had their own reload. */
  async #renewSockets(): Promise<void> {
    const { arbiter } = this.#to;
    const reloaded = this.#reading.changes.filter(({ kind, cost }) => kind === 'watcher' && cost === 'reload');
    const touched = arbiter.watchers.filter(
      ({ name, spec, resting }) =>
        !resting &&
        [...this.#sockets.renewed].some((socket) => usesSocket(spec, socket)) &&
        !reloaded.some((change) => change.name === name),
    );
    const renew = (watcher: Watcher) =>
      this.#attempt(
        { kind: 'watcher', name: watcher.name, what: 'changed' },
        () => arbiter.reload(watcher, { by: this.#by }).result,
      );
    await Promise.all(touched.map(renew));
  }

  async #addWatchers(): Promise<void> {
    const { arbiter } = this.#to;
    const added: Watcher[] = [];
    await this.#each('added', async (name) => {
      const spec = this.#specOf(name);
      demandSockets(spec, this.#sockets.lost);
      added.push(arbiter.add(spec));
    });
    const starting = added.filter(({ spec }) => spec.autostart);
    this.#unstarted.push(...(await arbiter.startAll(starting, this.#by)).map(reasonOf));
  }

  #specOf(name: string): WatcherSpec {
    return this.#reading.target.watchers.find((spec) => spec.name.toLowerCase() === name.toLowerCase())!;
  }

  #problemOf({ kind, name, what }: Changing, reason: string): Problem {
    const section = `${kind}:${name}`;
    const { meant } = this.#reading.assembly;
    const plugin = kind === 'plugin' ? meant.find((one) => one.name === name) : undefined;
    const title = plugin ? titleOf(plugin) : `[${section}]`;
    const message = `${reason}; ${title} ${what === 'added' ? 'is left out' : 'stays as it was'}`;
    return { severity: 'error', ...this.#placeOf(kind, name, reason), section, message };
  }

  /** Where it is written what failed; the top of the main file for what is not there any more. */
  #placeOf(kind: Change['kind'], name: string, reason: string): Pick<Problem, 'file' | 'line' | 'column' | 'key'> {
    const { configuration, apart, meant } = this.#reading.assembly;
    const isIt = ({ spec }: { readonly spec: { readonly name: string } }) =>
      spec.name.toLowerCase() === name.toLowerCase();
    const socket = kind === 'socket' && configuration.sockets.find(isIt);
    if (socket) return placeOfSocket(socket, reason);
    const watcher = kind === 'watcher' ? [...configuration.watchers, ...apart].find(isIt) : undefined;
    const [key] = (watcher && lostSocket(watcher.spec, this.#sockets.lost)) ?? [];
    const place = key === undefined ? undefined : watcher?.places.get(key);
    const origin = kind === 'plugin' ? meant.find((section) => section.name === name)?.origin : watcher?.origin;
    const { file, line, column } = place ?? { file: configuration.file, line: 1, ...origin, column: 1 };
    return { file, line, column, ...(key !== undefined && { key }) };
  }
}
