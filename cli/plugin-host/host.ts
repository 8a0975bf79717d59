/** The life of a plugin in a process of its own: loaded, checked, run until a signal, cleaned up. */
import { pathToFileURL } from 'node:url';
import { reasonOf, Scope } from '#core';
import { importFailure } from '#plugins/syntax.js';
import { connect } from '../client/index.js';
import type { DaemonLog } from '../daemon/log.js';
import { inTime } from '../plugins/deadline.js';
import { refusals, type Refusal } from '../plugins/options.js';
import { firstParty, locate } from '../plugins/find.js';
import { checkClientPlugin, type AnyClientPlugin, type ClientContext } from './client-plugin.js';
import type { PluginConfig } from './config-string.js';

/** How circus-plugin ends. */
export const exitCodes = { stopped: 0, failed: 1, usage: 2, unfit: 3 } as const;

/** How long the clean-up may take, in ms: less than the 30 s after which the daemon kills. */
const cleanUp = 5000;
/** Node's longest timer: it holds the event loop open. */
const longestTimer = 2 ** 31 - 1;

/** Where the daemon is, and what the plugin is told. */
export interface Settings {
  readonly endpoint: string;
  readonly pubsub: string;
  /** In seconds. */
  readonly checkDelay: number;
  readonly config: PluginConfig;
}

/** Imports a plugin: a path, or a package as the working directory finds it. @throws Error that says what is wrong */
export async function loadPlugin(use: string): Promise<AnyClientPlugin> {
  if (firstParty(use)) throw new Error(`plugin "${use}" works inside the daemon only`);
  const file = locate(use, process.cwd());
  let module: { readonly default?: unknown };
  try {
    module = (await inTime('its module', import(pathToFileURL(file).href))) as typeof module;
  } catch (error) {
    throw new Error(`plugin "${use}" could not be imported: ${await importFailure(error, file)}`, { cause: error });
  }
  return checkClientPlugin(module.default, use);
}

/** The plugin's own options: what else Circus puts into a configuration is about the section. */
function ownOptions({ __name__: _section, name: _name, ...own }: PluginConfig): PluginConfig {
  return own;
}

/** What the plugin has against its configuration. */
export async function checkConfig(plugin: AnyClientPlugin, config: PluginConfig): Promise<readonly Refusal[]> {
  return refusals(plugin, ownOptions(config));
}

/** Runs a plugin, whose configuration was checked, until SIGTERM or SIGINT; resolves with the exit code. */
export async function runPlugin(plugin: AnyClientPlugin, settings: Settings, log: DaemonLog): Promise<number> {
  const name = settings.config['name'] ?? plugin.name;
  const own = log.of(name);
  const alive = setInterval(() => undefined, longestTimer);
  const scope = new Scope(name);
  const asked = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(undefined));
  });
  const stray = new Promise<never>((_, reject) => {
    process.on('uncaughtException', reject);
    process.on('unhandledRejection', reject);
  });
  const client = connect({ endpoint: settings.endpoint, pubsub: settings.pubsub });
  const events = client.events({ topics: ['watcher.'] });
  let said: Promise<unknown> = Promise.resolve();
  const given = ownOptions(settings.config);
  const validated = await plugin.options?.['~standard'].validate(given);
  const context: ClientContext<unknown> = {
    name,
    config: validated && !validated.issues ? (validated.value as unknown) : given,
    checkDelay: settings.checkDelay,
    log: own,
    signal: scope.signal,
    // Whoever leaves a loop may begin another one.
    events: { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) },
    call: (...args) => client.call(...args),
    cast: (...args) => void (said = Promise.allSettled([said, client.cast(...args)])),
    defer: (dispose) => scope.defer(dispose),
  };
  try {
    own.info('Starting');
    const work = (async () => plugin.run(context))().catch((error: unknown) => {
      // What waits with the plugin's signal is broken off by it at the end, and that is no failure.
      if (!scope.signal.aborted || !isAbort(error, scope.signal)) throw error;
    });
    const failing = work.then(() => asked);
    await Promise.race([asked, failing, stray]);
    own.info('Stopping');
    const closing = (async () => {
      events.close();
      const errors = await scope.close();
      await work;
      await said;
      client.close();
      if (errors.length > 0) throw errors[0];
    })();
    await Promise.race([inTime('its clean-up', closing, cleanUp), stray]);
    return exitCodes.stopped;
  } catch (error) {
    const { stack } = Object(error) as { readonly stack?: unknown };
    own.error(reasonOf(error), typeof stack === 'string' ? { stack } : {});
    return exitCodes.failed;
  } finally {
    clearInterval(alive);
  }
}

/** True for the error of something that the signal broke off. */
function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === 'AbortError');
}
