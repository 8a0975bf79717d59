/**
 * The exec chain of a watcher's options: the standard programs that stand before its command, each of which changes
 * something about itself and becomes the next.
 */
import type { User } from '../accounts.js';
import { refuse, type Flaw } from '../flaw.js';
import { didYouMean } from '../nearest.js';
import type { Machine } from './machine.js';
import * as read from './values.js';

/** Options of a watcher, as written or set. */
export type Options = Readonly<Record<string, unknown>>;

/** Programs that are no part of util-linux. */
const packages: Readonly<Record<string, string>> = { sh: 'dash', nice: 'coreutils' };
const rlimit = 'rlimit_';
/** The keys that take rights away. */
export const rights = ['uid', 'gid', 'groups', 'capabilities', 'no_new_privileges'];

/** Collects the links, and what is wrong with the keys. */
class Builder {
  readonly links: (readonly string[])[] = [];
  readonly flaws: Flaw[] = [];
  /** Wrong only for the daemon that carries it out: a file may be checked by another user. */
  readonly refused: Flaw[] = [];
  readonly #options: Options;
  readonly #machine: Machine;

  constructor(options: Options, machine: Machine) {
    this.#options = options;
    this.#machine = machine;
  }

  /** The value of a key; undefined when it is not set, and when it is wrong, which is noted. */
  value<T>(key: string, reader: (text: string, machine: Machine) => T): T | undefined {
    const given = Object.hasOwn(this.#options, key) ? this.#options[key] : undefined;
    if (given === undefined || (given === null && !key.startsWith(rlimit))) return undefined;
    try {
      const words = given === null ? '' : typeof given === 'string' ? given : JSON.stringify(given);
      return reader(words.trim(), this.#machine);
    } catch (error) {
      this.flaw(key, (error as Error).message);
      return undefined;
    }
  }

  /** The first of these keys that is set. */
  firstOf(keys: readonly string[]): string {
    return keys.find((key) => this.#options[key] !== undefined) ?? keys[0]!;
  }

  flaw(key: string, message: string): void {
    this.flaws.push({ key, message });
  }

  /** Adds a link; `key` is what asks for it. */
  link(key: string, program: string, ...words: readonly string[]): void {
    const path = this.#machine.program(program);
    if (path !== undefined) return void this.links.push([path, ...words]);
    const from = packages[program] ?? 'util-linux';
    this.flaw(key, `needs the program "${program}" (package ${from}), which is not in the PATH of circusd`);
  }
}

/**
 * Links only for what is set, in an order in which each can still do its work: limits are raised and priorities taken
 * before setpriv, the last, gives the rights away.
 */
function build(options: Options, wid: number, machine: Machine): Builder {
  const builder = new Builder(options, machine);
  // The daemon's own mask is no way: other threads of it write files at the same time. No program but a shell sets one.
  const mask = builder.value('umask', read.readMask);
  if (mask !== undefined) builder.link('umask', 'sh', '-c', `umask ${mask}; exec "$@"`, 'sh');
  addLimits(builder, options, machine);
  // A write by the daemon after the start would come too late for what the program starts at once.
  const score = builder.value('oom_score_adj', read.readScore);
  if (score !== undefined) builder.link('oom_score_adj', 'choom', '-n', String(score), '--');
  const disk = builder.value('ionice', read.readDiskClass);
  if (disk) builder.link('ionice', 'ionice', ...disk);
  const policy = builder.value('sched', read.readPolicy);
  if (policy) builder.link('sched', 'chrt', ...policy);
  const nice = builder.value('nice', read.readNice);
  // The program adds to what it has, and the option says what it shall be.
  if (nice !== undefined) builder.link('nice', 'nice', '-n', String(nice - machine.nice));
  // Where it may not, nice(1) only warns, and starts the command all the same.
  if (nice !== undefined && nice < machine.leastNice)
    builder.refused.push({
      key: 'nice',
      message: `is ${nice}, and circusd may give ${machine.leastNice} at the lowest`,
    });
  const cpus = builder.value('cpu_affinity', (text) => read.readCpus(text, wid, machine));
  if (cpus !== undefined) builder.link('cpu_affinity', 'taskset', '-c', cpus);
  addRights(builder, machine);
  return builder;
}

function addLimits(builder: Builder, options: Options, machine: Machine): void {
  const words: string[] = [];
  const keys = Object.keys(options).filter((key) => key.startsWith(rlimit));
  for (const key of keys) {
    const name = key.slice(rlimit.length).toLowerCase();
    if (read.limitNames.includes(name)) {
      const limit = builder.value(key, (text) => read.readLimit(name, text, machine));
      if (limit !== undefined) words.push(`--${name}=${limit}`);
    } else {
      const known = read.limitNames.map((known) => rlimit + known);
      builder.flaw(key, `names no limit${didYouMean(key.toLowerCase(), known)}`);
    }
  }
  if (words.length > 0) builder.link(keys[0]!, 'prlimit', ...words);
}

/** User, groups, capabilities, no_new_privileges and die_with_daemon: one program sets them in the right order. */
function addRights(builder: Builder, machine: Machine): void {
  const words: string[] = [];
  const user = builder.value('uid', read.readUser);
  const gid = builder.value('gid', read.readGroup);
  const groups = builder.value('groups', read.readGroups);
  if (user && user.gid === undefined && gid === undefined)
    builder.flaw('uid', `is a number without a user of this machine, so it takes a "gid" too`);
  if (isChange(user, gid, machine) || groups) words.push(...identity(user, gid ?? user?.gid, groups));
  const capabilities = builder.value('capabilities', read.readCapabilities) ?? [];
  if (capabilities.length > 0) {
    const list = capabilities.join(',');
    words.push('--inh-caps', list, '--ambient-caps', list);
    if (capabilities.some((one) => one.startsWith('-'))) words.push('--bounding-set', list);
  }
  if (builder.value('no_new_privileges', read.readTruth)) words.push('--no-new-privs');
  // The last of all: a change of user takes it away again.
  const dies = builder.value('die_with_daemon', read.readTruth);
  if (dies) words.push('--pdeathsig', 'KILL');
  if (words.length > 0) builder.link(builder.firstOf([...rights, 'die_with_daemon']), 'setpriv', ...words);
  // A daemon that died before that is not its parent any more.
  if (dies) builder.link('die_with_daemon', 'sh', '-c', `[ "$PPID" = ${process.pid} ] && exec "$@"`, 'sh');
}

/** Root, and whoever the daemon is already, change nothing: Circus calls neither setuid nor initgroups then. */
function isChange(user: Partial<User> | undefined, gid: number | undefined, machine: Machine): boolean {
  const other = user !== undefined && user.uid !== 0 && user.uid !== machine.uid;
  const group = gid ?? (user?.uid === 0 ? undefined : user?.gid);
  return other || (group !== undefined && group !== machine.gid);
}

/** The words of setpriv for a user and his groups; those of the user are set as initgroups(3) does. */
function identity(
  user: (Partial<User> & Pick<User, 'uid'>) | undefined,
  gid: number | undefined,
  groups: readonly string[] | undefined,
): readonly string[] {
  const ids = [
    ...(user ? ['--reuid', user.name ?? String(user.uid)] : []),
    ...(gid === undefined ? [] : ['--regid', String(gid)]),
  ];
  if (groups) return [...ids, ...(groups.length > 0 ? ['--groups', groups.join(',')] : ['--clear-groups'])];
  if (!user) return [...ids, '--keep-groups'];
  return [...ids, user.name === undefined ? '--clear-groups' : '--init-groups'];
}

/** What is wrong with the options of a watcher, as far as it shows before anything is started. */
export function flawsIn(options: Options, machine: Machine): readonly Flaw[] {
  return build(options, 1, machine).flaws;
}

/** The links for the process with this `wid`, outermost first; none where nothing is set. @throws Error that says what is wrong */
export function chainOf(options: Options, wid: number, machine: Machine): readonly (readonly string[])[] {
  const { links, flaws, refused } = build(options, wid, machine);
  refuse([...flaws, ...refused]);
  return links;
}
