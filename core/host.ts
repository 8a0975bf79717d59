/** Orders, checks, applies, unloads and closes plugins. */
import type { Arbiter } from './arbiter.js';
import { createContext, validated } from './context.js';
import { CircusError, type ErrorCode } from './errors.js';
import type { AnyPlugin, Log } from './plugin.js';
import { Scope } from './scope.js';

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
}

const servicesOf = (services: AnyPlugin['needs']): string[] =>
  Object.values((services ?? {}) as Record<string, { service: string }>).map(({ service }) => service);

/**
 * The order in which plugins can be applied: providers before those that need or want what they provide.
 * `given` are services that are there already.
 * @throws ERR_PLUGIN_DOUBLED, ERR_PLUGIN_MISSING, ERR_PLUGIN_CYCLE
 */
export function orderPlugins(
  plugins: readonly AnyPlugin[],
  given: ReadonlySet<string> = new Set(),
): readonly AnyPlugin[] {
  const providers = new Map<string, AnyPlugin>();
  for (const plugin of plugins) {
    for (const service of servicesOf(plugin.provides)) {
      const other = providers.get(service);
      if (other) throw new CircusError('ERR_PLUGIN_DOUBLED', [service, other.name, plugin.name]);
      providers.set(service, plugin);
    }
  }
  const ordered = new Set<AnyPlugin>();
  const visit = (plugin: AnyPlugin, path: readonly AnyPlugin[]): void => {
    if (ordered.has(plugin)) return;
    if (path.includes(plugin)) {
      const names = [...path.slice(path.indexOf(plugin)), plugin].map(({ name }) => name);
      throw new CircusError('ERR_PLUGIN_CYCLE', [names.join(' -> ')]);
    }
    for (const service of servicesOf(plugin.needs)) {
      if (!providers.has(service) && !given.has(service))
        throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, service]);
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
  readonly #services = new Map<string, unknown>();

  /** `log` makes the log of one plugin; `services` are those that the composing program itself provides. */
  constructor(arbiter: Arbiter, log: (plugin: string) => Log, services: Readonly<Record<string, unknown>> = {}) {
    this.#arbiter = arbiter;
    this.#log = log;
    for (const [name, value] of Object.entries(services)) this.#services.set(name, value);
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
    const failures: LoadFailure[] = [];
    const byPlugin = new Map(list.map((loading) => [loading.plugin, loading]));
    let ordered: readonly AnyPlugin[] = [];
    for (let left = [...byPlugin.keys()]; ;) {
      try {
        ordered = orderPlugins(left, new Set(this.#services.keys()));
        break;
      } catch (error) {
        // Each error names its plugin first; without it the others may still go together.
        const guilty = left.find(({ name }) => (error as Error).message.includes(`"${name}"`)) ?? left[0]!;
        failures.push({ plugin: guilty.name, error });
        left = left.filter((plugin) => plugin !== guilty);
      }
    }
    await this.#arbiter.hooks.exchange(async () => {
      for (const plugin of ordered) {
        try {
          await this.#apply(plugin, byPlugin.get(plugin)?.options ?? {}, restored[plugin.name]);
        } catch (error) {
          failures.push({ plugin: plugin.name, error });
        }
      }
    });
    for (const watcher of this.#arbiter.watchers) if (watcher.state === 'waiting') watcher.wake();
    return failures;
  }

  /** Closes one plugin and, before it, those that need its services; all others go on. @throws ERR_PLUGIN_UNKNOWN */
  async unload(name: string): Promise<readonly unknown[]> {
    const target = this.#live.find(({ plugin }) => plugin.name === name);
    if (!target) throw new CircusError('ERR_PLUGIN_UNKNOWN', [name]);
    return this.#arbiter.hooks.exchange(() => this.#close(this.#dependentsOf(target)));
  }

  /** Closes all plugins, in reverse order; resolves with what went wrong. */
  close(): Promise<readonly unknown[]> {
    return this.#arbiter.hooks.exchange(() => this.#close([...this.#live].reverse()));
  }

  /** What the plugins want to keep over an upgrade, by name. */
  snapshot(): Readonly<Record<string, unknown>> {
    const kept = this.#live.map(({ plugin }): [string, unknown] => {
      try {
        return [plugin.name, plugin.snapshot?.()];
      } catch (error) {
        this.#arbiter.hooks.report({ plugin: plugin.name, hook: 'snapshot', error });
        return [plugin.name, undefined];
      }
    });
    return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
  }

  async #apply(plugin: AnyPlugin, given: Readonly<Record<string, unknown>>, restored: unknown): Promise<void> {
    for (const service of servicesOf(plugin.needs)) {
      if (!this.#services.has(service)) throw new CircusError('ERR_PLUGIN_MISSING', [plugin.name, service]);
    }
    const options = await validated(plugin, given);
    const scope = new Scope(plugin.name);
    const services: Record<string, unknown> = {};
    for (const [local, { service }] of Object.entries({ ...plugin.wants, ...plugin.needs } as Record<
      string,
      { service: string }
    >)) {
      services[local] = this.#services.get(service);
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
    });
    try {
      const returned = ((await plugin.apply(context, options)) ?? {}) as Record<string, unknown>;
      for (const [local, { service }] of Object.entries(
        (plugin.provides ?? {}) as Record<string, { service: string }>,
      )) {
        if (returned[local] === undefined) throw new CircusError('ERR_PLUGIN_SERVICE', [plugin.name, service]);
        this.#services.set(service, returned[local]);
        scope.defer(() => this.#services.delete(service));
      }
    } catch (error) {
      await scope.close();
      throw error;
    }
    this.#live.push({ plugin, scope });
    this.#arbiter.plugins.add(plugin.name);
  }

  async #close(list: readonly Live[]): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const live of list) {
      errors.push(...(await live.scope.close()));
      this.#live.splice(this.#live.indexOf(live), 1);
      this.#arbiter.plugins.delete(live.plugin.name);
    }
    return errors;
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

/** For messages: the code of a load failure, when it is one of the kernel's. */
export function failureCode({ error }: LoadFailure): ErrorCode | undefined {
  return error instanceof CircusError ? error.code : undefined;
}
