/** What can be told about an address before anybody is asked. */
import { lstatSync, accessSync, constants, statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { pathOf } from '#plugins/controller/endpoint.js';
import { isOurFolder, isTrusted } from '#plugins/controller/socket-file.js';
import { ClientError } from './errors.js';

/** What is said of an address where nobody is. */
export const nobodyAt = (endpoint: string): ClientError =>
  new ClientError('ERR_UNREACHABLE', `no daemon is running at ${pathOf(endpoint) ?? endpoint}`);

/** Refuses the address of a Unix socket that is not there, or not for us; abstract ones can't be looked at. @throws ClientError */
export function checkReachable(endpoint: string): void {
  const path = pathOf(endpoint);
  if (path === undefined || path.startsWith('@')) return;
  let stranger: Stats | undefined;
  try {
    accessSync(path, constants.W_OK);
    stranger = strangerAt(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw nobodyAt(endpoint);
    throw new ClientError('ERR_FORBIDDEN', `${path} may not be used by this user: be the one who runs the daemon`);
  }
  if (!stranger) return;
  const whose = `${path} belongs to user ${stranger.uid}, who is neither you nor root`;
  throw new ClientError('ERR_FORBIDDEN', `${whose}: be that user to ask him`);
}

/** What of a socket's file belongs to another user, who may have put it there to be asked in place of the daemon. */
function strangerAt(path: string): Stats | undefined {
  const found = [lstatSync(path), statSync(path)].find((file) => !isTrusted(file));
  // With "endpoint_owner" it belongs to somebody else, but lies where only root or this user can have put it.
  return found && !isOurFolder(dirname(path)) ? found : undefined;
}

/** An address bound on all interfaces, seen from here: the host of the daemon's own endpoint. */
export function seenFrom(endpoint: string, address: string): string {
  const [, host] = /^tcp:\/\/(.+):\d+$/.exec(endpoint) ?? [];
  return host === undefined ? address : address.replace(/^tcp:\/\/(0\.0\.0\.0|\*|\[::\]):/, `tcp://${host}:`);
}
