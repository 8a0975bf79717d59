/** The contract between the kernel and a plugin. */
import type { Arbiter } from './arbiter.js';
import { CircusError } from './errors.js';
import { isRecord, isText } from './guard.js';
import type { HookViews } from './hooks.js';
import type { Disposer } from './scope.js';
import type { Provided, Services } from './service.js';
import type { Watcher } from './watcher.js';

/** A validator of any library that follows the Standard Schema; the kernel depends on none. */
export interface OptionsSchema<Output = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => ValidationResult<Output> | Promise<ValidationResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
    /** The Standard JSON Schema of the same options, for references and editors. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: string }) => Record<string, unknown> };
  };
}

/** What a validator has against a value, and where in it. */
export interface Issue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
type ValidationResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** Where a plugin writes what happened; the facts are JSON values. */
export interface Log {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** What a helper program did. */
export interface RunResult {
  readonly code: number | null;
  readonly signal: number | null;
  /** It was killed as its `timeout` was over. */
  readonly timedOut: boolean;
  /** What it wrote, up to 1 MiB each. */
  readonly stdout: string;
  readonly stderr: string;
  /** It wrote more than that, which was dropped. */
  readonly truncated: boolean;
}

/** How a helper program is run. */
export interface RunOptions {
  /** Put over the daemon's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Not over the daemon's own, but alone. */
  readonly bare?: boolean;
  readonly cwd?: string;
  /** The text for its standard input. */
  readonly input?: string;
  /** After this many ms it is killed, which `timedOut` tells. */
  readonly timeout?: number;
  /** It is killed when this is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a plugin gets; everything acquired through it is given back when the plugin closes. Then all that acquires
 * throws ERR_SCOPE_CLOSED.
 */
export interface PluginContext<
  Options = unknown,
  Needs extends Services = Services,
  Wants extends Services = Services,
> {
  readonly arbiter: Arbiter;
  readonly hooks: HookViews;
  /** The services it needs, and those it wants that are there. */
  readonly services: Provided<Needs> & Partial<Provided<Wants>>;
  /** Aborted when the plugin closes. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** `plugin NAME`: who asks, for every `by` of the arbiter and its watchers, such as `watcher.stop(by)`. */
  readonly by: string;
  /** What the plugin gave to `keep` before it was reloaded, or the daemon upgraded; undefined after a fresh start. */
  readonly restored: unknown;
  /** Says what survives a reload of the plugin and an upgrade of the daemon: `snapshot` returns it when asked, as JSON. */
  keep(snapshot: () => unknown): void;
  /** The plugin's options with the watcher's own (`NAME.key = value`) put over them. */
  optionsFor(watcher: Pick<Watcher, 'spec'>): Options;
  /** Has something given back when the plugin closes, in reverse order. */
  defer(dispose: Disposer): void;
  /** Calls back every `ms` milliseconds, guarded, until the plugin closes; not while the last call still runs. */
  every(ms: number, action: () => unknown): void;
  /** Wraps a callback for the world outside the hooks: a failure becomes a fault of the plugin. */
  guard<A extends unknown[]>(action: (...args: A) => unknown): (...args: A) => void;
  /**
   * Runs a helper program to its end, through the kernel's own spawn; killed when the plugin closes. What is deferred
   * may run one too, which gets 8 s at most. Rejects with ERR_COMMAND_NOT_FOUND,
   * ERR_PROCESS_SPAWN or ERR_PROCESS_CWD when there is no such program or folder, and with a TypeError when `args` is no
   * list.
   */
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<RunResult>;
}

/** A plugin: inert until it is applied. */
export interface Plugin<
  Options = unknown,
  Needs extends Services = Services,
  Wants extends Services = Services,
  Provides extends Services = Services,
> {
  /** Also the prefix of its per-watcher keys. */
  readonly name: string;
  readonly options?: OptionsSchema<Options>;
  readonly needs?: Needs;
  readonly wants?: Wants;
  /** Services that `apply` must return, by the same local names. */
  readonly provides?: Provides;
  apply(
    context: PluginContext<Options, Needs, Wants>,
    options: Options,
  ): Provided<Provides> | void | Promise<Provided<Provides> | void>;
}

/* oxlint-disable typescript/no-explicit-any -- a list of plugins holds every kind of them, and only the host calls them */
/** Any plugin, whatever its options and services. */
export type AnyPlugin = Plugin<any, any, any, any>;
/* oxlint-enable typescript/no-explicit-any */

const members = ['name', 'options', 'needs', 'wants', 'provides', 'apply'];
const isService = (one: unknown) => isRecord(one) && isText(one['service']);
const isServices = (all: unknown) => isRecord(all) && !Array.isArray(all) && Object.values(all).every(isService);

/** What a module gave, once it is known to be a plugin; `as` is what an error calls it. @throws ERR_PLUGIN_INVALID */
export function checkPlugin(found: unknown, as?: string): AnyPlugin {
  const plugin = Object(found) as Record<string, unknown>;
  const { name, apply, options } = plugin;
  const flaws: string[] = [];
  const demand = (met: boolean, flaw: string) => met || flaws.push(flaw);
  demand(isRecord(found), 'it is not an object');
  demand(isText(name) && name !== '', '"name" is not a text');
  demand(typeof apply === 'function', '"apply" is not a function');
  const { '~standard': schema } = Object(options) as Partial<OptionsSchema>;
  demand(options === undefined || typeof schema?.validate === 'function', '"options" is not a Standard Schema');
  for (const key of ['needs', 'wants', 'provides'])
    demand(isServices(plugin[key] ?? {}), `"${key}" is not an object of services`);
  for (const key of Object.keys(plugin)) demand(members.includes(key), `"${key}" is none of ${members.join(', ')}`);
  if (flaws.length > 0) throw new CircusError('ERR_PLUGIN_INVALID', [as ?? String(name), flaws.join('; ')]);
  return found as AnyPlugin;
}

/** Types a plugin; does nothing at run time. */
export function definePlugin<
  Options = Record<string, never>,
  const Needs extends Services = Record<never, never>,
  const Wants extends Services = Record<never, never>,
  const Provides extends Services = Record<never, never>,
>(plugin: Plugin<Options, Needs, Wants, Provides>): Plugin<Options, Needs, Wants, Provides> {
  return plugin;
}
