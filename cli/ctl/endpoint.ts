/** Where the daemon is. */
import { existsSync } from 'node:fs';
import { defaultEndpoints, pathOf } from '#plugins/controller/endpoint.js';
import { exitCodes, Failure, usageFailure } from './failure.js';

/** The address of the daemon: the option, the environment, or where a daemon listens that was told nothing. @throws Failure */
export function chooseEndpoint(option: string | undefined, environment: NodeJS.ProcessEnv = process.env): string {
  const written = option ?? (environment['CIRCUSCTL_ENDPOINT'] || undefined);
  if (written === undefined) return defaultEndpoints().endpoint;
  if (/^(tcp:\/\/.+:\d+|ipc:\/\/.+)$/.test(written)) return written;
  throw usageFailure(`"${written}" is no endpoint: it is tcp://HOST:PORT or ipc://PATH`);
}

/** What to say, and to do, about an address where nobody is. */
export function nobodyAt(endpoint: string): Failure {
  const place = pathOf(endpoint) ?? endpoint;
  return new Failure(
    exitCodes.failed,
    `error: no daemon is running at ${place}: start one with "circusd FILE", or name the endpoint of another with --endpoint`,
  );
}

/** Refuses the address of a Unix socket that is not there; abstract ones can't be looked at. @throws Failure */
export function checkPresent(endpoint: string): void {
  const path = pathOf(endpoint);
  if (path !== undefined && !path.startsWith('@') && !existsSync(path)) throw nobodyAt(endpoint);
}
