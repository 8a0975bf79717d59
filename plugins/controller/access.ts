/** Who may use the file of a Unix socket. */
import { chmodSync, lchownSync, lstatSync } from 'node:fs';
import { groupOf, namesIn, userOf } from '../accounts.js';
import { didYouMean } from '../nearest.js';

/** Without a word, its owner, who is the daemon's user. */
export interface FileAccess {
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
  readonly mode?: number | undefined;
}

/** Gives a Unix socket that is for its owner only to whom it is meant for. @throws Error */
export function handOver(path: string, { owner, group, mode }: FileAccess): void {
  // Where a folder has an access list of its own, the umask is not asked.
  if ((lstatSync(path).mode & 0o077) !== 0) throw new Error(`others may use "${path}": its folder says so`);
  const uid = userId(owner);
  const gid = groupId(group);
  // While it is still ours: whoever gets it may put a link in its place.
  if (mode !== undefined) chmodSync(path, mode);
  if (uid >= 0 || gid >= 0) lchownSync(path, uid, gid);
}

/** The number of a user, by name or number; -1 when none is said. @throws Error */
export function userId(owner: string | undefined): number {
  const uid = owner === undefined ? -1 : userOf(owner)?.uid;
  if (uid === undefined) throw new Error(`there is no user "${owner}"${didYouMean(owner!, namesIn('passwd'))}`);
  return uid;
}

/** The number of a group, by name or number; -1 when none is said. @throws Error */
export function groupId(group: string | undefined): number {
  const gid = group === undefined ? -1 : groupOf(group);
  if (gid === undefined) throw new Error(`there is no group "${group}"${didYouMean(group!, namesIn('group'))}`);
  return gid;
}
