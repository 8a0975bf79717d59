/** What plugins in processes of their own are told of the daemon. */
import { resolve } from 'node:path';
import { pathOf } from '#plugins/controller/endpoint.js';
import type { CircusOptions } from '../config/build.js';
import type { MeantPlugin } from '../config/rewrite.js';

/** Its addresses, and what it says about logs; all of it stays as it was at the daemon's start. */
export interface DaemonFacts {
  readonly endpoint: string;
  readonly pubsub: string;
  /** In seconds. */
  readonly checkDelay: number;
  readonly loglevel?: string | undefined;
  readonly logoutput?: string | undefined;
  /** True where only owners of keys are let in, which such plugins do not have. */
  readonly locked: boolean;
  /** Their output is the daemon's, and not dropped. */
  readonly debug: boolean;
}

/** What programs take; the daemon takes any other word for info. */
const levels = /^(?:debug|info|warning|error|critical)$/i;

/** What the controller with these options will answer to; undefined without a controller, or when its options are wrong. */
export async function factsOf(
  controller: MeantPlugin | undefined,
  { loglevel, logoutput, debug = false }: CircusOptions,
): Promise<DaemonFacts | undefined> {
  if (!controller) return undefined;
  const { optionsSchema, settingsOf } = await import('#plugins/controller/options.js');
  const result = await optionsSchema['~standard'].validate(controller.options);
  if (result.issues) return undefined;
  const { endpoint, pubsub_endpoint: pubsub, check_delay: checkDelay } = settingsOf(result.value);
  return {
    endpoint: reachable(endpoint),
    pubsub: reachable(pubsub),
    checkDelay,
    locked: result.value.curve && [endpoint, pubsub].some((address) => pathOf(address) === undefined),
    loglevel: debug ? 'DEBUG' : levels.test(loglevel ?? '') ? loglevel : undefined,
    logoutput,
    debug,
  };
}

/** An address to listen on as one to connect to, from any folder. */
function reachable(address: string): string {
  const path = pathOf(address);
  if (path !== undefined) return `ipc://${resolve(path)}`;
  return address.replace(/^tcp:\/\/(?:\*|0\.0\.0\.0):/, 'tcp://127.0.0.1:').replace('//[::]:', '//[::1]:');
}
