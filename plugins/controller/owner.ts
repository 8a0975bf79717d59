/** Which options clients may change: on an endpoint for operators, and where the socket is given to a user (`endpoint_owner`). */
import type { WatcherSpec } from '#core';
import type { Role } from './command.js';
import { isCircus } from './option-check.js';
import { RequestError } from './protocol.js';

/** Options that decide what a process does: they may be set for processes of the owner only. */
const deciding = new Set(['uid', 'cmd', 'args', 'env', 'shell']);
/** Options by which the daemon itself would do something, give its environment away, or enter a folder with its rights. */
const beyond = /^(gid$|rlimit_|cgroup\.|hooks|(stdout|stderr)_stream|copy_env$|working_dir$)/;

/** Refuses to set these keys if that would reach beyond the owner's rights; `wanted` is the spec after it. @throws RequestError */
export function checkOwner(owner: string | undefined, keys: readonly string[], wanted: WatcherSpec): void {
  if (owner === undefined) return;
  // Circus's words, and its comparison: the text of the option, whatever user it names.
  if (keys.some((key) => deciding.has(key)) && String(wanted.options['uid']) !== owner)
    throw new RequestError(3, 'uid does not match endpoint_owner');
  const refused = keys.find((key) => beyond.test(key) || !(isCircus(key) || harmless.test(key)));
  if (refused !== undefined) throw new RequestError(3, `'${refused}' can't be set where endpoint_owner is`);
}

/** Options that say how many there are and how they come and go, and not what is run: an operator may set these. */
const harmless =
  /^(numprocesses|warmup_delay|graceful_timeout|stop_signal|stop_steps|stop_children|send_hup|max_retry|retry_in|max_age(_variance)?|respawn|singleton|priority|autostart|flapping\..+)$/;

/** Refuses to set keys that only an administrator may. @throws RequestError */
export function checkRole(role: Role, keys: readonly string[]): void {
  const refused = role === 'admin' ? undefined : keys.find((key) => !harmless.test(key));
  if (refused !== undefined) throw new RequestError(5, `'${refused}' needs the role admin`);
}
