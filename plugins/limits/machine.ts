/** What this machine knows: its users and groups, its processors, its programs, and what the daemon itself is. */
import { readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { findProgram } from '#core';
import { groupOf, namesIn, userOf, type Database, type User } from '../accounts.js';

/** What a chain is built for; each answer may be another one later, so it is asked anew for each new spec. */
export interface Machine {
  /** The daemon's own user, group and nice value. */
  readonly uid: number;
  readonly gid: number;
  readonly nice: number;
  /** The lowest nice value that the daemon may give. */
  readonly leastNice: number;
  /** The processors that are there; empty when nobody tells. */
  readonly cpus: readonly number[];
  /** Those of them that the daemon itself may use. */
  readonly ownCpus: readonly number[];
  /** The daemon's hard limit of open files: a number, or `unlimited`. */
  readonly mostFiles: string;
  /** A user or the id of a group by its name or number. */
  user(id: string): User | undefined;
  group(id: string): number | undefined;
  /** The names that there are, for whoever mistyped one. */
  names(database: Database): readonly string[];
  /** The absolute path of a program in the daemon's PATH. */
  program(name: string): string | undefined;
}

const sysNice = 23n;

/** The text of a file of the system; empty where there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The numbers of a list such as `0-3,5`. */
export function numbersIn(list: string): readonly number[] {
  return list
    .trim()
    .split(',')
    .filter(Boolean)
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number);
      return Array.from({ length: Math.max(0, last! - first! + 1) }, (_, at) => first! + at);
    });
}

/** Programs that were found: they are rarely taken away, and a chain whose link is gone says so itself. */
const found = new Map<string, string>();

function pathOf(name: string): string | undefined {
  const { PATH } = process.env;
  const key = `${PATH}\0${name}`;
  try {
    if (!found.has(key)) found.set(key, findProgram(name, PATH, '/'));
    return found.get(key);
  } catch {
    return undefined;
  }
}

/** This machine as it is now. */
export function thisMachine(): Machine {
  const status = textOf('/proc/self/status');
  const limits = textOf('/proc/self/limits');
  const held = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`);
  const nice = getPriority();
  const softNice = Number(/^Max nice priority +(\d+)/m.exec(limits)?.[1] ?? 0);
  const cpus = numbersIn(textOf('/sys/devices/system/cpu/online'));
  const ownCpus = numbersIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '');
  return {
    uid: process.geteuid?.() ?? 0,
    gid: process.getegid?.() ?? 0,
    nice,
    leastNice: (held >> sysNice) & 1n ? -20 : Math.min(nice, 20 - softNice),
    cpus,
    ownCpus: ownCpus.length > 0 ? ownCpus : [0],
    mostFiles: /^Max open files +\S+ +(\S+)/m.exec(limits)?.[1] ?? 'unlimited',
    user: userOf,
    group: groupOf,
    names: namesIn,
    program: pathOf,
  };
}
