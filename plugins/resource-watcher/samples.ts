/** What processes use, as `/proc` and their control group tell. */
import { readFileSync } from 'node:fs';

// Linux has fixed both for user space on all machines that Node runs on (sysconf(_SC_CLK_TCK), 4 KiB base pages).
const ticksPerSecond = 100;
const pageSize = 4096;
const groupRoot = '/sys/fs/cgroup';

/** Reads a file; undefined when it can't be read. */
export type Read = (path: string) => string | undefined;

/** Reads from the system. */
export const readFile: Read = (path) => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
};

/** What some processes use together. */
export interface Use {
  /** Seconds of processor time, with those of children that ended where `withEnded`. */
  readonly seconds: number;
  /** Resident bytes; what processes share counts for each of them. */
  readonly resident: number;
}

/** What these processes use; those that are gone use nothing. */
export function useOf(pids: readonly number[], withEnded: boolean, read: Read = readFile): Use {
  let [ticks, pages] = [0, 0];
  for (const pid of pids) {
    const stat = read(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The command's name may hold blanks and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const field = (at: number) => Number(fields[at]);
    ticks += field(11) + field(12) + (withEnded ? field(13) + field(14) : 0);
    pages += Math.max(0, field(21));
  }
  return { seconds: ticks / ticksPerSecond, resident: pages * pageSize };
}

/**
 * The bytes of these processes with what they share among themselves or with others divided by the number of those who
 * have it (PSS); undefined where the system does not let us look. It takes the kernel a walk through all their pages.
 */
export function shareOf(pids: readonly number[], read: Read = readFile): number | undefined {
  let sum = 0;
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(text ?? '')?.[1];
    if (kilobytes !== undefined) sum += Number(kilobytes) * 1024;
    // One that has just ended, or a zombie, has nothing; all others can be seen or not.
    else if (/^VmRSS:/m.test(read(`/proc/${pid}/status`) ?? '')) return undefined;
  }
  return sum;
}

/** The control group that holds these processes and nobody else, the first being its leader; undefined for none with a figure. */
export function groupOf(pids: readonly number[], read: Read = readFile): string | undefined {
  const inside = /^0::(\/.+)$/m.exec(read(`/proc/${pids[0]}/cgroup`) ?? '')?.[1];
  if (inside === undefined) return undefined;
  const path = groupRoot + inside;
  const members = read(`${path}/cgroup.procs`)?.trim().split('\n').map(Number);
  const isOwn = members?.every((pid) => pids.includes(pid));
  return isOwn && memoryOf(path, read) !== undefined ? path : undefined;
}

/** The bytes of a control group, without the pages of files that the system would give back at once; undefined where it has no figure. */
export function memoryOf(group: string, read: Read = readFile): number | undefined {
  const current = read(`${group}/memory.current`);
  if (current === undefined) return undefined;
  const idle = /^inactive_file (\d+)$/m.exec(read(`${group}/memory.stat`) ?? '')?.[1];
  return Math.max(0, Number(current) - Number(idle ?? 0));
}
