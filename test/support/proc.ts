/** What /proc says about processes: read here once more, so that the tests don't ask the code they test. */
import { readdirSync, readFileSync } from 'node:fs';

/** One process at one moment. */
export interface Seen {
  readonly pid: number;
  readonly parent: number;
  /** The short name. */
  readonly name: string;
  readonly zombie: boolean;
  /** Ticks since boot: with the pid, the identity of a process. */
  readonly startTime: string;
}

/** Undefined when there is no such process. */
export function see(pid: number): Seen | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    return { pid, name, parent: Number(fields[1]), zombie: /[ZX]/.test(fields[0] ?? ''), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** Every process of the machine. */
export function everyProcess(): Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => see(Number(name)))
    .filter((seen) => seen !== undefined);
}

/** True while the same process is there and no zombie. */
export function lives({ pid, startTime }: Pick<Seen, 'pid' | 'startTime'>): boolean {
  const seen = see(pid);
  return seen !== undefined && !seen.zombie && seen.startTime === startTime;
}

/** Everything below a process, zombies included, parents first. */
export function descendantsOf(pid: number, all: readonly Seen[] = everyProcess()): Seen[] {
  const children = all.filter(({ parent }) => parent === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child.pid, all)]);
}

/** The environment that a process was started with; empty when it can't be read. */
export function environmentOf(pid: number): Readonly<Record<string, string>> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').filter(Boolean);
    return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s, 2) as [string, string]));
  } catch {
    return {};
  }
}

/** The living processes whose environment has this mark of circusd. */
export const marked = (mark: string): Seen[] =>
  everyProcess().filter(({ pid, zombie }) => !zombie && environmentOf(pid)['CIRCUS_ID'] === mark);

/** How a process is shown in a message: its pid and its words, or its short name when it has none left. */
export function describeProcess(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return `process ${pid}${see(pid)?.zombie ? ' (zombie)' : ''}: ${words || `[${name}]`}`;
  } catch {
    return `process ${pid}: gone`;
  }
}
