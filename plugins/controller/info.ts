/** The INFO object of a process, read from `/proc`, as Circus reports it (circus-compat §3.8). */
import { readFileSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { basename } from 'node:path';
import { childrenOf, type Watcher } from '#core';
import type { ExtendStats } from './service.js';

/** Facts about one process; a value that can't be read is `N/A`. */
export interface Info {
  readonly mem_info1: string;
  readonly mem_info2: string;
  readonly cpu: number | string;
  readonly mem: number | string;
  readonly ctime: string;
  readonly pid: number;
  readonly username: string;
  readonly nice: number | string;
  readonly create_time: number;
  readonly age: number;
  readonly cmdline: string;
  readonly children: readonly Info[];
}

/** What `INFO` is for a process that is gone. */
export const noSuchProcess = 'No such process (stopped?)';

// Linux has fixed both for user space on all machines that Node runs on (sysconf(_SC_CLK_TCK), 4 KiB base pages).
const ticksPerSecond = 100;
const pageSize = 4096;
const total = totalmem();
const bootTime = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);

/** A number of bytes as Circus writes it: `512B`, `9.77K`, `2.00G`. */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < 8; unit++) value /= 1024;
  return unit === 0 ? `${value}B` : `${value.toFixed(2)}${'BKMGTPEZY'[unit]}`;
}

function cpuTime(seconds: number): string {
  const hundredths = Math.round(seconds * 100);
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(hundredths / 6000)}:${pad(Math.floor(hundredths / 100) % 60)}.${pad(hundredths % 100)}`;
}

let users: { readonly read: number; readonly names: ReadonlyMap<number, string> } | undefined;

/** The name of a user id, from the password file, read again when it has changed. */
function userName(uid: number): string {
  const changed = statSync('/etc/passwd', { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (users?.read !== changed) {
    const lines = changed === 0 ? [] : readFileSync('/etc/passwd', 'utf8').split('\n');
    const entries = lines.map((line) => line.split(':')).reverse();
    users = { read: changed, names: new Map(entries.map(([name = '', , id]) => [Number(id), name])) };
  }
  return users.names.get(uid) ?? String(uid);
}

/** How old facts may be that are told again, in ms: whoever asks all the time must not have us read all the time. */
const freshness = 250;
/** How long the last reading of a process is kept, in ms: nobody tells of the end of those that are not our own. */
const kept = 3_600_000;

/** How many processes are asked for extended facts at once: each may take a program of a hook, and anybody may ask. */
const mostExtending = 8;

interface Sample {
  readonly ticks: number;
  readonly at: number;
  readonly start: string;
  readonly info: Info;
  readonly withChildren: boolean;
}

/** Reads processes; CPU is a share of one core since the previous reading of the same process by the same reader. */
export class InfoReader {
  readonly #extensions = new Set<ExtendStats>();
  readonly #samples = new Map<number, Sample>();
  #swept = performance.now();
  /** What was added to the facts of each process, being added until `until` is known. */
  readonly #extended = new Map<string, { readonly facts: Promise<unknown>; until: number }>();
  #extending = 0;
  readonly #waiting: (() => void)[] = [];

  /** The facts about one process and, if asked, its direct children, at most 250 ms old; undefined when it is gone. */
  read(pid: number, withChildren = false): Info | undefined {
    const known = this.#samples.get(pid);
    const isFresh = known && performance.now() - known.at < freshness;
    return isFresh && (known.withChildren || !withChildren) ? known.info : this.#read(pid, withChildren);
  }

  #read(pid: number, withChildren: boolean): Info | undefined {
    let fields: string[];
    let uid: number;
    let argv: string;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      uid = statSync(`/proc/${pid}`).uid;
      argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      this.forget(pid);
      return undefined;
    }
    const field = (at: number) => Number(fields[at]);
    const zombie = fields[0] === 'Z';
    const resident = field(21) * pageSize;
    const created = bootTime + field(19) / ticksPerSecond;
    const sample = { ticks: field(11) + field(12), at: performance.now(), start: fields[19]!, withChildren };
    const info: Info = {
      mem_info1: humanBytes(resident),
      mem_info2: humanBytes(field(20)),
      cpu: share(this.#samples.get(pid), sample),
      mem: Math.round((resident / total) * 100_000) / 1000,
      ctime: cpuTime((field(11) + field(12) + field(13) + field(14)) / ticksPerSecond),
      pid,
      username: userName(uid),
      nice: zombie ? 'Zombie' : field(16),
      create_time: created,
      age: Date.now() / 1000 - created,
      cmdline: basename(argv.split('\0')[0]?.split(' ')[0] ?? '') || 'N/A',
      children: withChildren ? childrenOf(pid).flatMap((child) => this.read(child) ?? []) : [],
    };
    this.#samples.set(pid, { ...sample, info });
    this.#sweep(sample.at);
    return info;
  }

  /** Has `extend` add to extended facts until the returned function is called. */
  addExtension(extend: ExtendStats): () => void {
    this.#extensions.add(extend);
    return () => void this.#extensions.delete(extend);
  }

  /**
   * Facts about processes of a watcher, by pid, with what plugins add to them: to those of one process once at a time for
   * all who ask, and again after 250 ms; to those of 8 processes at once.
   */
  async extended<T extends object | string>(
    watcher: Watcher,
    infos: Readonly<Record<string, T>>,
  ): Promise<Record<string, unknown>> {
    const now = performance.now();
    for (const [pid, { until }] of this.#extended) if (until < now) this.#extended.delete(pid);
    const all = Object.entries(infos).map(async ([pid, info]) => {
      if (typeof info === 'string') return [pid, info] as const;
      const known = this.#extended.get(pid) ?? { facts: this.#extend(watcher, Number(pid), info), until: Infinity };
      if (!this.#extended.has(pid)) {
        this.#extended.set(pid, known);
        const over = () => (known.until = performance.now() + freshness);
        known.facts.then(over, over);
      }
      return [pid, await known.facts] as const;
    });
    return Object.fromEntries(await Promise.all(all));
  }

  async #extend(watcher: Watcher, pid: number, info: object): Promise<unknown> {
    // Whoever is through hands its turn on.
    if (this.#extending < mostExtending) this.#extending++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      let facts = info as Record<string, unknown>;
      for (const extend of this.#extensions) facts = await extend(watcher, pid, facts);
      return facts;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#extending--;
    }
  }

  /** Forgets a process that has ended. */
  forget(pid: number): void {
    this.#samples.delete(pid);
  }

  #sweep(now: number): void {
    if (now - this.#swept < kept) return;
    this.#swept = now;
    for (const [pid, { at }] of this.#samples) if (now - at > kept) this.#samples.delete(pid);
  }
}

/** The share of one core between two samples, in percent; 0 when they are not of the same process. */
function share(before: Sample | undefined, { ticks, at, start }: Omit<Sample, 'info'>): number {
  if (before?.start !== start || at <= before.at) return 0;
  const percent = ((ticks - before.ticks) / ticksPerSecond / (at - before.at)) * 100_000;
  return Math.round(percent * 10) / 10;
}
