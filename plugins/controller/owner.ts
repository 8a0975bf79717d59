/** What clients may change where the socket is given to a user (`endpoint_owner`): that must not make him the daemon's user. */
import type { WatcherSpec } from '#core';
import { RequestError } from './protocol.js';

/** Options that decide what a process does: they may be set for processes of the owner only. */
const deciding = new Set(['uid', 'cmd', 'args', 'working_dir', 'env', 'shell']);
/** Options by which the daemon itself would do something, or give more rights than the user has. */
const beyond = /^(gid$|rlimit_|hooks|(stdout|stderr)_stream)/;

/** Refuses to set these keys if that would reach beyond the owner's rights; `wanted` is the spec after it. @throws RequestError */
export function checkOwner(owner: string | undefined, keys: readonly string[], wanted: WatcherSpec): void {
  if (owner === undefined) return;
  // Circus's words, and its comparison: the text of the option, whatever user it names.
  if (keys.some((key) => deciding.has(key)) && String(wanted.options['uid']) !== owner)
    throw new RequestError(3, 'uid does not match endpoint_owner');
  const refused = keys.find((key) => beyond.test(key));
  if (refused !== undefined) throw new RequestError(3, `'${refused}' can't be set where endpoint_owner is`);
}
