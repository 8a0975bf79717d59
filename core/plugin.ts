/** The contract between the kernel and a plugin. */
import type { Arbiter } from './arbiter.js';
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

type ValidationResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

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
  readonly stdout: string;
  readonly stderr: string;
}

/** What a plugin gets; everything acquired through it is given back when the plugin closes. */
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
  /** What the plugin gave to `keep` in the daemon before this one; undefined after a fresh start. */
  readonly restored: unknown;
  /** Says what of the plugin survives an upgrade of the daemon: `snapshot` returns it as JSON when it is asked for. */
  keep(snapshot: () => unknown): void;
  /** The plugin's options with the watcher's own (`NAME.key = value`) put over them. */
  optionsFor(watcher: Watcher): Options;
  /** Has something given back when the plugin closes, in reverse order. */
  defer(dispose: Disposer): void;
  /** Calls back every `ms` milliseconds, guarded, until the plugin closes. */
  every(ms: number, action: () => unknown): void;
  /** Wraps a callback for the world outside the hooks: a failure becomes a fault of the plugin. */
  guard<A extends unknown[]>(action: (...args: A) => unknown): (...args: A) => void;
  /** Runs a helper program to its end, through the kernel's own spawn; killed when the plugin closes. */
  run(
    command: string,
    args?: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string },
  ): Promise<RunResult>;
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
  /** Further watcher keys that belong to it. */
  readonly keys?: readonly string[];
  /** Section types that belong to it. */
  readonly sections?: readonly string[];
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

/** Types a plugin; does nothing at run time. */
export function definePlugin<
  Options = Record<string, never>,
  const Needs extends Services = Record<never, never>,
  const Wants extends Services = Record<never, never>,
  const Provides extends Services = Record<never, never>,
>(plugin: Plugin<Options, Needs, Wants, Provides>): Plugin<Options, Needs, Wants, Provides> {
  return plugin;
}
