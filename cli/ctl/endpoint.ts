/** Where the daemon is. */
import { defaultEndpoints } from '#plugins/controller/endpoint.js';
import { usageFailure } from './failure.js';

/** The address of the daemon: the option, the environment, or where a daemon listens that was told nothing. @throws Failure */
export function chooseEndpoint(option: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  const written = option ?? (environment['CIRCUSCTL_ENDPOINT'] || undefined);
  if (written === undefined) return defaultEndpoints().endpoint;
  if (/^(tcp:\/\/.+:\d+|ipc:\/\/.+)$/.test(written)) return written;
  throw usageFailure(`"${written}" is no endpoint: it is tcp://HOST:PORT or ipc://PATH`);
}
