/** Which options clients may change: on an endpoint for operators, and where the socket is given to a user (`endpoint_owner`). */
import type { WatcherSpec } from '#core';
import { groupOf, userOf } from '../accounts.js';
import type { Role } from './command.js';
import { isCircus } from './option-check.js';
import { RequestError } from './protocol.js';

/** Options that decide what a process does: they may be set for processes of the owner only. */
const deciding = new Set(['uid', 'cmd', 'args', 'env', 'shell']);
/** Options by which the daemon itself would do something, give its environment away, or enter a folder with its rights. */
const beyond = /^(gid$|rlimit_|cgroup\.|hooks|(stdout|stderr)_stream|copy_env$|working_dir$)/;

/** True for hooks and their like. */
const isRunByDaemon = ([key, value]: readonly [string, unknown]): boolean =>
  key.startsWith('hooks.') || (key === 'reload.drain' && String(value).startsWith('exec:'));

const textOf = (id: unknown): string => (typeof id === 'string' ? id.trim() : JSON.stringify(id));

/** What gives processes of the owner more than is his, as a phrase after "the watcher has"; undefined when nothing does. */
function more({ options, secrets }: WatcherSpec, owner: string): string | undefined {
  const { gid, groups, capabilities } = options;
  if (gid != null && groupOf(textOf(gid)) !== userOf(owner)?.gid) return "'gid'";
  if (groups != null) return "'groups'";
  if (capabilities != null) return "'capabilities'";
  return secrets.length > 0 ? 'secrets' : undefined;
}

/**
 * Refuses to set these keys if that would reach beyond the owner's rights; `spec` is what the watcher is before it, or
 * what a new one is to be. @throws RequestError
 */
export function checkOwner(owner: string | undefined, keys: readonly string[], spec: WatcherSpec, isNew = false): void {
  if (owner === undefined) return;
  const refuse = (key: string, why = '') => {
    throw new RequestError(3, `'${key}' can't be set where endpoint_owner is${why}`);
  };
  const decisive = keys.find((key) => deciding.has(key));
  // Circus's words, and its comparison: the text of the option, whatever user it names.
  if (decisive !== undefined && String(spec.options['uid']) !== owner)
    throw new RequestError(3, 'uid does not match endpoint_owner');
  const refused = keys.find(
    (key) => beyond.test(key) || (key === 'uid' && !isNew) || !(isCircus(key) || harmless.test(key)),
  );
  if (refused !== undefined) refuse(refused);
  const has = decisive === undefined ? undefined : more(spec, owner);
  if (has !== undefined) refuse(decisive!, `: the watcher has ${has}`);
  if (keys.includes('env') && Object.entries(spec.options).some(isRunByDaemon))
    refuse('env', ': the watcher has hooks, which run as the daemon');
}

/** Options that say how many there are and how they come and go, and not what is run: an operator may set these. */
const harmless =
  /^(numprocesses|warmup_delay|graceful_timeout|stop_signal|stop_steps|stop_children|send_hup|max_retry|retry_in|max_age(_variance)?|respawn|singleton|priority|autostart|(success|no_restart)_exit_codes|flapping\..+|reload\.(?!drain$).+)$/;

/** Refuses to set keys that only an administrator may. @throws RequestError */
export function checkRole(role: Role, keys: readonly string[]): void {
  const refused = role === 'admin' ? undefined : keys.find((key) => !harmless.test(key));
  if (refused !== undefined) throw new RequestError(5, `'${refused}' needs the role admin`);
}
