/** The contract between a plugin and the process of its own that runs it (`isolate = process`). */
import type { Log, OptionsSchema } from '#core';
import type { Reply, RequestOptions, WatcherEvent } from '../client/index.js';

export type { ClientError, Reply, RequestOptions, WatcherEvent } from '../client/index.js';

/** What a plugin in a process of its own gets. */
export interface ClientContext<Config = Readonly<Record<string, string>>> {
  /** The name of its section, or of the plugin when it was started by hand. */
  readonly name: string;
  /** The options of its section; without `options` in the plugin all values are text. */
  readonly config: Config;
  /** The daemon's `check_delay`, in seconds. */
  readonly checkDelay: number;
  readonly log: Log;
  /** Aborted when the plugin is to stop; `call` still works then, until the clean-up is through. */
  readonly signal: AbortSignal;
  /** The events of all watchers, one reader at a time; it ends when the plugin is to stop. */
  readonly events: AsyncIterable<WatcherEvent>;
  /** Has the daemon do something, as the method of the client. @throws ClientError when it refuses or does not answer */
  call(command: string, properties?: object, options?: RequestOptions): Promise<Reply>;
  /** The same without a reply: nobody learns whether it was done. */
  cast(command: string, properties?: object): void;
  /** Has something given back when the plugin stops, in reverse order. */
  defer(dispose: () => unknown): void;
}

/** A plugin that uses the daemon as its clients do. */
export interface ClientPlugin<Config = Readonly<Record<string, string>>> {
  readonly name: string;
  readonly options?: OptionsSchema<Config>;
  /** Does the work; what it throws ends the process with code 1. When it returns, the process goes on until it is stopped. */
  run(context: ClientContext<Config>): unknown;
}

/* oxlint-disable typescript/no-explicit-any -- whoever loads a plugin does not know its options */
/** Any plugin of this kind, whatever its options. */
export type AnyClientPlugin = ClientPlugin<any>;
/* oxlint-enable typescript/no-explicit-any */

/** Types a plugin for a process of its own; does nothing at run time. */
export function defineClientPlugin<Config = Readonly<Record<string, string>>>(
  plugin: ClientPlugin<Config>,
): ClientPlugin<Config> {
  return plugin;
}

/** True for what is meant to be such a plugin, and not one for the daemon itself. */
export function isClientPlugin(found: unknown): boolean {
  const { run, apply } = Object(found) as { readonly run?: unknown; readonly apply?: unknown };
  return typeof run === 'function' && apply === undefined;
}

/** What a module gave, once it is known to be such a plugin; `use` is what an error calls it. @throws Error */
export function checkClientPlugin(found: unknown, use: string): AnyClientPlugin {
  const { name, run, apply, options } = Object(found) as Readonly<Record<string, unknown>>;
  if (typeof apply === 'function' && run === undefined)
    throw new Error(`plugin "${use}" works inside the daemon only: take "isolate = process" away`);
  const { '~standard': schema } = Object(options) as Partial<OptionsSchema>;
  const flaw =
    typeof run !== 'function'
      ? '"run" is not a function'
      : typeof name !== 'string' || name === ''
        ? '"name" is not a text'
        : options !== undefined && typeof schema?.validate !== 'function'
          ? '"options" is not a Standard Schema'
          : undefined;
  if (flaw !== undefined) throw new Error(`plugin "${use}" is no plugin for a process of its own: ${flaw}`);
  return found as AnyClientPlugin;
}
