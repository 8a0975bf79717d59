/** Who may read a file. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { User } from './accounts.js';

/** The file, or the outermost of its folders, that is certainly closed to a user; undefined when there is none. */
export function closedFor({ uid, gid }: User, file: string): string | undefined {
  if (uid === 0) return undefined;
  const folders = [];
  for (let at = dirname(file); ; at = dirname(at)) {
    folders.unshift(at);
    if (at === dirname(at)) break;
  }
  const closed = (path: string, bit: number) => {
    const { mode, uid: owner, gid: group } = statSync(path);
    if (owner === uid) return (mode & (bit << 6)) === 0;
    // He may be a member of further groups, other than root's.
    const mayBe = group === gid || (group !== 0 && (mode & (bit << 3)) !== 0);
    return (mode & (mayBe ? bit << 3 : bit)) === 0;
  };
  return folders.find((folder) => closed(folder, 1)) ?? (closed(file, 4) ? file : undefined);
}
