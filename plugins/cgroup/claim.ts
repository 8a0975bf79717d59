/** Whose a place is: an empty group in it names the daemon. Two daemons in one place would kill each other's processes. */
import { send } from '#core';
import type { Files } from './files.js';

/** A pid and when it began: the pid of a daemon that crashed may be another's by now. */
const claimName = /^circusd\.(\d+)\.(\d+)$/;

/** The state of a process and when it began, in ticks since the machine's start; undefined where that can't be read. */
function factsOf(files: Files, pid: number): { readonly state: string; readonly began: string } | undefined {
  const text = files.read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, began: fields[19]! };
}

function runs(files: Files, pid: number, began: string): boolean {
  const facts = factsOf(files, pid);
  return send(pid, 0) && (!facts || (facts.state !== 'Z' && facts.began === began));
}

/** Claims a place for a daemon, and removes the claims of those that are gone; answers the group to remove at the end. @throws Error when another has it */
export function claim(files: Files, path: string, pid: number): string {
  const own = `circusd.${pid}.${factsOf(files, pid)?.began ?? 0}`;
  // Of two that come at once both may be refused, never none.
  files.make(`${path}/${own}`);
  for (const name of files.folders(path)) {
    const [, owner, began] = claimName.exec(name) ?? [];
    if (owner === undefined || name === own) continue;
    if (runs(files, Number(owner), began!)) {
      files.remove(`${path}/${own}`);
      throw new Error(`"${path}" holds the control groups of circusd ${owner}: name another folder as "root"`);
    }
    files.remove(`${path}/${name}`);
  }
  return `${path}/${own}`;
}
