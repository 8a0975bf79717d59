/** Orders, checks, applies, unloads and closes plugins. */
import { isDeepStrictEqual } from 'node:util';
import type { Arbiter } from './arbiter.js';
import { abortable } from './clock.js';
import { createContext, validated } from './context.js';
import { CircusError, isError, reasonOf } from './errors.js';
import { checkPlugin, type AnyPlugin, type Log } from './plugin.js';
import { Scope } from './scope.js';

/** How long a plugin may take to be applied, and to give everything back, in ms: spawns wait meanwhile. */
const deadlines = { apply: 30_000, close: 10_000 };

/** A plugin to load, with its options as written. */
export interface Loading {
  readonly plugin: AnyPlugin;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A plugin that could not be loaded, and why. */
export interface LoadFailure {
  readonly plugin: string;
  readonly error: unknown;
}

/** What came of putting a plugin in the place of another: the names of those that were applied again, it included. */
export interface Reloaded {
  readonly reloaded: readonly string[];
  readonly failures: readonly LoadFailure[];
}

interface Live extends Loading {
  readonly scope: Scope;
  snapshot: (() => unknown) | undefined;
}

/** The services of a plugin, each with its own local name for it. */
const namedServices = (services: AnyPlugin['needs']) =>
  Object.entries((services ?? {}) as Record<string, { readonly service: string }>);
const servicesOf = (services: AnyPlugin['needs']) => namedServices(services).map(([, { service }]) => service);

/**
 * The order in which plugins can be applied: providers before those that need or want what they provide.
 * `given` are the services that are there already, with the names of those who provide them, and `lost` those that are
 * not, with the reason. The plugin that can't go with the others is the `cause` of the error.
 * @throws ERR_PLUGIN_DOUBLED, ERR_PLUGIN_MISSING, ERR_PLUGIN_CYCLE
 */
export function orderPlugins(
  plugins: readonly AnyPlugin[],
  given: ReadonlyMap<string, string> = new Map(),
  lost: ReadonlyMap<string, string> = new Map(),
): readonly AnyPlugin[] {
  const providers = new Map<string, AnyPlugin>();
  for (const plugin of plugins) {
    for (const service of servicesOf(plugin.provides)) {
      const other = providers.get(service)?.name ?? given.get(service);
      if (other !== undefined)
        throw new CircusError('ERR_PLUGIN_DOUBLED', [service, other, plugin.name], { cause: plugin });
      providers.set(service, plugin);
    }
  }
  const ordered = new Set<AnyPlugin>();
  const visit = (plugin: AnyPlugin, path: readonly AnyPlugin[]): void => {
    if (ordered.has(plugin)) return;
    if (path.includes(plugin)) {
      const names = [...path.slice(path.indexOf(plugin)), plugin].map(({ name }) => name);
      throw new CircusError('ERR_PLUGIN_CYCLE', [names.join(' -> ')], { cause: plugin });
    }
    for (const service of servicesOf(plugin.needs)) {
      if (!providers.has(service) && !given.has(service))
        throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, service, lost.get(service)], { cause: plugin });
    }
    for (const service of [...servicesOf(plugin.needs), ...servicesOf(plugin.wants)]) {
      const provider = providers.get(service);
      if (provider) visit(provider, [...path, plugin]);
    }
    ordered.add(plugin);
  };
  for (const plugin of plugins) visit(plugin, []);
  return [...ordered];
}

/** The plugins of one arbiter. */
export class Host {
  readonly #arbiter: Arbiter;
  readonly #log: (plugin: string) => Log;
  readonly #live: Live[] = [];
  /** What is provided, and the name of the plugin that does. */
  readonly #services = new Map<string, { readonly by: string; readonly value: unknown }>();
  /** Why a service is not provided, where its provider failed. */
  readonly #lost = new Map<string, string>();

  /** `log` makes the log of one plugin; `services` are those that the composing program itself provides. */
  constructor(arbiter: Arbiter, log: (plugin: string) => Log, services: Readonly<Record<string, unknown>> = {}) {
    this.#arbiter = arbiter;
    this.#log = log;
    for (const [name, value] of Object.entries(services)) this.#services.set(name, { by: 'circusd', value });
  }

  /** The names of the live plugins, in the order in which they were applied. */
  get plugins(): readonly string[] {
    return this.#live.map(({ plugin }) => plugin.name);
  }

  /** Loads plugins in the order that their services ask for; one that fails takes only its dependents with it. */
  load(list: readonly Loading[], restored: Readonly<Record<string, unknown>> = {}): Promise<readonly LoadFailure[]> {
    return this.#exchange(() => this.#load(list, restored));
  }

  /**
   * Closes one plugin and, before it, those that use its services; who can do without is applied again, all others go on.
   * Resolves with what went wrong. @throws ERR_PLUGIN_UNKNOWN
   */
  async unload(name: string): Promise<readonly unknown[]> {
    const { errors, failures } = await this.#exchange(() => this.#replace(name));
    const missed = failures.map(({ error }) => error).filter((error) => !isError(error, 'ERR_PLUGIN_MISSING'));
    return [...errors, ...missed];
  }

  /**
   * Puts a plugin in the place of a live one, which comes back when the new one fails. Those that use its services are
   * closed and applied again too, all with what they want to keep. @throws ERR_PLUGIN_UNKNOWN, ERR_PLUGIN_INVALID: nothing was closed then
   */
  async reload(name: string, loading: Loading): Promise<Reloaded> {
    checkPlugin(loading.plugin);
    return this.#exchange(() => this.#replace(name, loading));
  }

  /** Closes all plugins, in reverse order; resolves with what went wrong, which was told on `fault`. */
  close(): Promise<readonly unknown[]> {
    return this.#arbiter.hooks.exchange(() => this.#close([...this.#live].reverse()));
  }

  /** What the plugins want to keep over an upgrade, by name. */
  snapshot(list: readonly string[] = this.plugins): Readonly<Record<string, unknown>> {
    const kept: Record<string, unknown> = {};
    for (const { plugin, snapshot } of this.#live) {
      try {
        const written = list.includes(plugin.name) ? snapshot?.() : undefined;
        if (written === undefined) continue;
        const read: unknown = JSON.parse(JSON.stringify(written) ?? 'null');
        if (!isDeepStrictEqual(read, written)) throw new TypeError(`what it keeps is not JSON, and would be lost`);
        kept[plugin.name] = read;
      } catch (error) {
        this.#arbiter.hooks.tell('fault', { plugin: plugin.name, hook: 'snapshot', error });
      }
    }
    return kept;
  }

  #exchange<T>(action: () => Promise<T>): Promise<T> {
    return this.#arbiter.hooks.exchange(action).finally(() => this.#wake());
  }

  async #load(list: readonly Loading[], restored: Readonly<Record<string, unknown>>): Promise<readonly LoadFailure[]> {
    const failures: LoadFailure[] = [];
    const loadings = new Map<AnyPlugin, Loading>();
    const names = new Set(this.plugins);
    for (const loading of list) {
      const { plugin } = loading;
      try {
        if (names.has(checkPlugin(plugin).name)) throw new CircusError('ERR_PLUGIN_LOADED', [plugin.name]);
        names.add(plugin.name);
        loadings.set(plugin, loading);
      } catch (error) {
        failures.push({ plugin: String(Object(plugin)['name']), error });
      }
    }
    for (const plugin of this.#order([...loadings.keys()], failures)) {
      const failed = (error: unknown) => this.#fail(failures, plugin, error);
      await this.#apply(loadings.get(plugin)!, restored[plugin.name]).catch(failed);
    }
    return failures;
  }

  #fail(failures: LoadFailure[], plugin: AnyPlugin, error: unknown): void {
    failures.push({ plugin: plugin.name, error });
    const why = `whose provider "${plugin.name}" failed: ${reasonOf(error)}`;
    for (const service of servicesOf(plugin.provides)) this.#lost.set(service, why);
  }

  /** Closes a plugin with its dependents, and loads them again: with another in its place, or without it. */
  async #replace(name: string, loading?: Loading): Promise<Reloaded & { readonly errors: readonly unknown[] }> {
    const target = this.#live.find(({ plugin }) => plugin.name === name);
    if (!target) throw new CircusError('ERR_PLUGIN_UNKNOWN', [name]);
    const doomed = this.#dependentsOf(target);
    const kept = this.snapshot(doomed.map(({ plugin }) => plugin.name));
    const errors = await this.#close(doomed);
    const before = doomed.reverse();
    const again = before.flatMap((live) => (live === target ? (loading ?? []) : live));
    const names = new Set([name, ...again.map(({ plugin }) => plugin.name)]);
    const loaded = () => this.#live.filter(({ plugin }) => names.has(plugin.name));
    let failures = await this.#load(again, kept);
    const failed = failures.find(({ plugin }) => plugin === loading?.plugin.name);
    if (failed) {
      // The one before it did its work: it goes on, with all that use it.
      errors.push(...(await this.#close(loaded().reverse())));
      failures = [failed, ...(await this.#load(before, kept))];
    }
    return { errors, failures, reloaded: loaded().map(({ plugin }) => plugin.name) };
  }

  /** The plugins that go together, in order; those that don't are left out, and why is added to `failures`. */
  #order(plugins: readonly AnyPlugin[], failures: LoadFailure[]): readonly AnyPlugin[] {
    try {
      const given = [...this.#services].map(([service, { by }]) => [service, by] as const);
      return orderPlugins(plugins, new Map(given), this.#lost);
    } catch (error) {
      const guilty = (error as Error).cause as AnyPlugin;
      this.#fail(failures, guilty, error);
      const others = plugins.filter((plugin) => plugin !== guilty);
      return this.#order(others, failures);
    }
  }

  /** Starts what waited for a plugin that is there now, or for one that is gone. */
  #wake(): void {
    for (const watcher of this.#arbiter.watchers)
      if (watcher.spec.needs.length > 0 || watcher.state === 'waiting') watcher.wake();
  }

  async #apply({ plugin, options: given = {} }: Loading, restored: unknown): Promise<void> {
    const missing = servicesOf(plugin.needs).find((service) => !this.#services.has(service));
    if (missing !== undefined)
      throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, missing, this.#lost.get(missing)]);
    const options = await this.#within(plugin, 'apply', validated(plugin, given));
    const scope = new Scope(plugin.name);
    const live: Live = { plugin, options: given, scope, snapshot: undefined };
    const keep = (snapshot: () => unknown) => void (live.snapshot = snapshot);
    const used = namedServices({ ...plugin.wants, ...plugin.needs });
    const services = Object.fromEntries(
      used.map(([local, { service }]) => [local, this.#services.get(service)?.value]),
    );
    const own = { log: this.#log(plugin.name), arbiter: this.#arbiter, services, restored, keep };
    const context = createContext({ ...own, plugin, scope, given, options });
    try {
      const applied = (async () => plugin.apply(context, options))();
      const returned = ((await this.#within(plugin, 'apply', applied)) ?? {}) as Record<string, unknown>;
      for (const [local, { service }] of namedServices(plugin.provides)) {
        if (returned[local] === undefined) throw new CircusError('ERR_PLUGIN_SERVICE', [plugin.name, service]);
        this.#services.set(service, { by: plugin.name, value: returned[local] });
        this.#lost.delete(service);
        scope.defer(() => this.#services.delete(service));
      }
    } catch (error) {
      await this.#give(live);
      throw error;
    }
    this.#live.push(live);
    this.#arbiter.plugins.add(plugin.name);
  }

  async #close(list: readonly Live[]): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const live of list) {
      errors.push(...(await this.#give(live)));
      this.#live.splice(this.#live.indexOf(live), 1);
      this.#arbiter.plugins.delete(live.plugin.name);
    }
    return errors;
  }

  /** Has a plugin give everything back; tells what went wrong, also when it comes late, and resolves with it. */
  #give({ plugin, scope }: Live): Promise<readonly unknown[]> {
    const tell = (errors: readonly unknown[]) => {
      for (const error of errors) this.#arbiter.hooks.tell('fault', { plugin: plugin.name, hook: 'close', error });
      return errors;
    };
    return this.#within(plugin, 'close', scope.close().then(tell)).catch((error: unknown) => tell([error]));
  }

  /** The outcome, unless it takes too long: a plugin that hangs must not hang the others. @throws ERR_PLUGIN_TIMEOUT */
  #within<T>({ name }: AnyPlugin, what: keyof typeof deadlines, outcome: Promise<T>): Promise<T> {
    const late = new AbortController();
    const error = new CircusError('ERR_PLUGIN_TIMEOUT', [name, what, deadlines[what]]);
    const cancel = this.#arbiter.clock.after(deadlines[what], () => late.abort(error));
    return abortable(outcome, late.signal).finally(cancel);
  }

  /** The plugin and all that use its services, in the order in which they have to close. */
  #dependentsOf(target: Live): Live[] {
    const doomed = new Set([target]);
    const lost = new Set(servicesOf(target.plugin.provides));
    for (const live of this.#live) {
      const { needs, wants, provides } = live.plugin;
      if (!servicesOf({ ...wants, ...needs }).some((service) => lost.has(service))) continue;
      doomed.add(live);
      for (const service of servicesOf(provides)) lost.add(service);
    }
    return [...this.#live].reverse().filter((live) => doomed.has(live));
  }
}
