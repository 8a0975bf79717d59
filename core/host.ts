/** Orders, checks, applies, unloads and closes plugins. */
import type { Arbiter } from './arbiter.js';
import { abortable } from './clock.js';
import { createContext, validated } from './context.js';
import { CircusError } from './errors.js';
import type { AnyPlugin, Log } from './plugin.js';
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

interface Live {
  readonly plugin: AnyPlugin;
  readonly scope: Scope;
  snapshot: (() => unknown) | undefined;
}

const servicesOf = (services: AnyPlugin['needs']): string[] =>
  Object.values((services ?? {}) as Record<string, { service: string }>).map(({ service }) => service);

/**
 * The order in which plugins can be applied: providers before those that need or want what they provide.
 * `given` are the services that are there already, with the names of those who provide them. The plugin that can't go
 * with the others is the `cause` of the error.
 * @throws ERR_PLUGIN_DOUBLED, ERR_PLUGIN_MISSING, ERR_PLUGIN_CYCLE
 */
export function orderPlugins(
  plugins: readonly AnyPlugin[],
  given: ReadonlyMap<string, string> = new Map(),
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
        throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, service], { cause: plugin });
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
  async load(
    list: readonly Loading[],
    restored: Readonly<Record<string, unknown>> = {},
  ): Promise<readonly LoadFailure[]> {
    return this.#arbiter.hooks
      .exchange(async () => {
        const failures: LoadFailure[] = [];
        const loadings = new Map<AnyPlugin, Loading>();
        const names = new Set(this.plugins);
        for (const loading of list) {
          const { name } = loading.plugin;
          if (names.has(name)) failures.push({ plugin: name, error: new CircusError('ERR_PLUGIN_LOADED', [name]) });
          else loadings.set(loading.plugin, loading);
          names.add(name);
        }
        for (const plugin of this.#order([...loadings.keys()], failures)) {
          try {
            await this.#apply(plugin, loadings.get(plugin)?.options ?? {}, restored[plugin.name]);
          } catch (error) {
            failures.push({ plugin: plugin.name, error });
          }
        }
        return failures;
      })
      .finally(() => this.#wake());
  }

  /** Closes one plugin and, before it, those that need its services; all others go on. @throws ERR_PLUGIN_UNKNOWN */
  async unload(name: string): Promise<readonly unknown[]> {
    return this.#arbiter.hooks.exchange(() => {
      const target = this.#live.find(({ plugin }) => plugin.name === name);
      if (!target) throw new CircusError('ERR_PLUGIN_UNKNOWN', [name]);
      return this.#close(this.#dependentsOf(target));
    });
  }

  /** Closes all plugins, in reverse order; resolves with what went wrong. */
  close(): Promise<readonly unknown[]> {
    return this.#arbiter.hooks.exchange(() => this.#close([...this.#live].reverse()));
  }

  /** What the plugins want to keep over an upgrade, by name. */
  snapshot(): Readonly<Record<string, unknown>> {
    const kept = this.#live.map(({ plugin, snapshot }): [string, unknown] => {
      try {
        return [plugin.name, snapshot?.()];
      } catch (error) {
        this.#arbiter.hooks.report({ plugin: plugin.name, hook: 'snapshot', error });
        return [plugin.name, undefined];
      }
    });
    return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
  }

  /** The plugins that go together, in order; those that don't are left out, and why is added to `failures`. */
  #order(plugins: readonly AnyPlugin[], failures: LoadFailure[]): readonly AnyPlugin[] {
    try {
      return orderPlugins(plugins, new Map([...this.#services].map(([service, { by }]) => [service, by])));
    } catch (error) {
      const guilty = (error as Error).cause as AnyPlugin;
      failures.push({ plugin: guilty.name, error });
      return this.#order(
        plugins.filter((plugin) => plugin !== guilty),
        failures,
      );
    }
  }

  /** Starts what waited for a plugin that is there now. */
  #wake(): void {
    for (const watcher of this.#arbiter.watchers) if (watcher.spec.needs.length > 0) watcher.wake();
  }

  async #apply(plugin: AnyPlugin, given: Readonly<Record<string, unknown>>, restored: unknown): Promise<void> {
    for (const service of servicesOf(plugin.needs)) {
      if (!this.#services.has(service)) throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, service]);
    }
    const options = await this.#within(plugin, 'apply', validated(plugin, given));
    const scope = new Scope(plugin.name);
    const live: Live = { plugin, scope, snapshot: undefined };
    const keep = (snapshot: () => unknown) => (live.snapshot = snapshot);
    const services: Record<string, unknown> = {};
    for (const [local, { service }] of Object.entries({ ...plugin.wants, ...plugin.needs } as Record<
      string,
      { service: string }
    >)) {
      services[local] = this.#services.get(service)?.value;
    }
    const context = createContext({
      plugin,
      scope,
      services,
      given,
      options,
      restored,
      arbiter: this.#arbiter,
      log: this.#log(plugin.name),
      keep,
    });
    try {
      const applied = (async () => plugin.apply(context, options))();
      const returned = ((await this.#within(plugin, 'apply', applied)) ?? {}) as Record<string, unknown>;
      for (const [local, { service }] of Object.entries(
        (plugin.provides ?? {}) as Record<string, { service: string }>,
      )) {
        if (returned[local] === undefined) throw new CircusError('ERR_PLUGIN_SERVICE', [plugin.name, service]);
        this.#services.set(service, { by: plugin.name, value: returned[local] });
        scope.defer(() => this.#services.delete(service));
      }
    } catch (error) {
      for (const further of await this.#give(live))
        this.#arbiter.hooks.report({ plugin: plugin.name, hook: 'close', error: further });
      throw error;
    }
    this.#live.push(live);
    this.#arbiter.plugins.add(plugin.name);
  }

  async #close(list: readonly Live[]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const live of list) {
      errors.push(...(await this.#give(live)));
      this.#live.splice(this.#live.indexOf(live), 1);
      this.#arbiter.plugins.delete(live.plugin.name);
    }
    return errors;
  }

  /** Has a plugin give everything back; resolves with what went wrong. */
  #give({ plugin, scope }: Live): Promise<readonly unknown[]> {
    return this.#within(plugin, 'close', scope.close()).catch((error: unknown) => [error]);
  }

  /** The outcome, unless it takes too long: a plugin that hangs must not hang the others. @throws ERR_PLUGIN_TIMEOUT */
  #within<T>({ name }: AnyPlugin, what: keyof typeof deadlines, outcome: Promise<T>): Promise<T> {
    const late = new AbortController();
    const error = new CircusError('ERR_PLUGIN_TIMEOUT', [name, what, deadlines[what]]);
    const cancel = this.#arbiter.clock.after(deadlines[what], () => late.abort(error));
    return abortable(outcome, late.signal).finally(cancel);
  }

  /** The plugin and all that need it, in the order in which they have to close. */
  #dependentsOf(target: Live): readonly Live[] {
    const doomed = new Set([target]);
    const lost = new Set(servicesOf(target.plugin.provides));
    for (const live of this.#live) {
      if (!servicesOf(live.plugin.needs).some((service) => lost.has(service))) continue;
      doomed.add(live);
      for (const service of servicesOf(live.plugin.provides)) lost.add(service);
    }
    return [...this.#live].reverse().filter((live) => doomed.has(live));
  }
}
