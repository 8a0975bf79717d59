/** Where the daemon is. */
import { accessSync, constants, lstatSync, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { circusEndpoints, defaultEndpoints, pathOf } from '#plugins/controller/endpoint.js';
import { isOurFolder, isTrusted } from '#plugins/controller/socket-file.js';
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
  return new Failure(
    exitCodes.failed,
    `error: no daemon is running at ${pathOf(endpoint) ?? endpoint}: start one with "circusd FILE", or name another ` +
      `endpoint with --endpoint (in Circus's configurations mostly ${circusEndpoints.endpoint})`,
  );
}

/** Refuses the address of a Unix socket that is not there, or not for us; abstract ones can't be looked at. @throws Failure */
export function checkReachable(endpoint: string): void {
  const path = pathOf(endpoint);
  if (path === undefined || path.startsWith('@')) return;
  let stranger: Stats | undefined;
  try {
    accessSync(path, constants.W_OK);
    stranger = strangerAt(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw nobodyAt(endpoint);
    throw new Failure(exitCodes.failed, `error: ${path} may not be used by this user: be the one who runs the daemon`);
  }
  if (!stranger) return;
  throw new Failure(
    exitCodes.failed,
    `error: ${path} belongs to user ${stranger.uid}, who is neither you nor root: be that user to ask him`,
  );
}

/** What of a socket's file belongs to another user, who may have put it there to be asked in place of the daemon. */
function strangerAt(path: string): Stats | undefined {
  const found = [lstatSync(path), statSync(path)].find((file) => !isTrusted(file));
  // With "endpoint_owner" it belongs to somebody else, but lies where only root or this user can have put it.
  return found && !isOurFolder(dirname(path)) ? found : undefined;
}
