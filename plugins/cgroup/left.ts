/** What a daemon that is gone has left behind: its groups, and what still runs in them. */
import { pidsIn, removeTree, type Files } from './files.js';

/** Those of a watcher's groups that are frozen; its own is only by another's hand. */
const frozenIn = (files: Files, path: string): readonly string[] =>
  [path, ...files.folders(path).map((name) => `${path}/${name}`)].filter(
    (one) => files.read(`${one}/cgroup.freeze`)?.trim() === '1',
  );

/** Lets what is frozen in a watcher's group go on; answers what was done, in words. */
function thaw(files: Files, path: string): string {
  const frozen = frozenIn(files, path);
  try {
    for (const one of frozen) files.write(`${one}/cgroup.freeze`, '0');
  } catch (error) {
    return `; it is frozen and can't be thawed: ${(error as Error).message}`;
  }
  return frozen.length > 0 ? '; it was frozen, and is thawed' : '';
}

/** Thaws a watcher's group that was left behind and removes it; what still runs in it is told. */
export function clearUp(files: Files, path: string, warn: (message: string) => void): void {
  const running = pidsIn(files, path).length;
  const done = thaw(files, path);
  if (removeTree(files, path) || running === 0) return;
  const processes = running === 1 ? '1 process runs' : `${running} processes run`;
  warn(`${processes} in the control group ${path}, which was left behind${done}`);
}
