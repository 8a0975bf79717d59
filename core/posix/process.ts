/** What the kernel tells about processes, and what we ask it about ourselves. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { checked, libc } from './libc.js';

const PR_SET_CHILD_SUBREAPER = 36;
const SYS_pidfd_open = 434;

/** The few facts of `/proc/PID/stat` that tell processes apart. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Ticks since boot: with the pid, the identity of a process. */
  readonly startTime: string;
  readonly zombie: boolean;
}

/** Reads `/proc/PID/stat`; undefined when the process is gone. */
export function factsOf(pid: number): ProcessFacts | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The command's name may hold blanks and parentheses: the fields begin after the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    zombie: fields[0] === 'Z' || fields[0] === 'X',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    startTime: fields[19] ?? '',
  };
}

/** True for a process that is there and has not ended. */
export const lives = (pid: number): boolean => factsOf(pid)?.zombie === false;

/** The value of one variable in the environment that a process was started with; undefined when it can't be read. */
export function variableOf(pid: number, name: string): string | undefined {
  try {
    const start = `${name}=`;
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
      .split('\0')
      .find((entry) => entry.startsWith(start))
      ?.slice(start.length);
  } catch {
    return undefined;
  }
}

/** The short name of a process; undefined when it is gone. */
export function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trimEnd();
  } catch {
    return undefined;
  }
}

const listsChildren = existsSync(`/proc/self/task/${process.pid}/children`);

/** The direct children of a process, zombies included: those of all its threads, or of one; none when it is gone. */
export function childrenOf(pid: number, thread?: number): number[] {
  try {
    if (!listsChildren) return scanFor(pid);
    const threads = thread === undefined ? readdirSync(`/proc/${pid}/task`) : [thread];
    return threads.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** The slow way, for kernels built without CONFIG_PROC_CHILDREN. */
function scanFor(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && factsOf(Number(name))?.parent === parent)
    .map(Number);
}

let subreaper = false;

/** Makes orphaned descendants our children, so that none can get away from a stop; where that is forbidden, some may. */
export function becomeSubreaper(): void {
  subreaper = libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) === 0 || process.pid === 1;
}

/** True when orphaned descendants come to us. */
export const isSubreaper = (): boolean => subreaper;

/** A descriptor that becomes readable when the process ends, also one that is not our child. @throws ERR_SYSTEM_CALL */
export function openPid(pid: number): number {
  return checked('pidfd_open', libc().syscall(SYS_pidfd_open, pid, 0));
}

/** Sends a signal to a process, or to a group if negative; false when it is gone, not ours to signal, or no signal. */
export function send(pid: number, signal: number): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** True for a process that is there and that we may not signal: one that took on the rights of somebody else. */
export function isForeign(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
