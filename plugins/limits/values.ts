/** What the texts of the keys mean: each reader answers a value, or throws a sentence that goes on after the key's name. */
import * as v from 'valibot';
import { mustBe } from '../must-be.js';
import { didYouMean } from '../nearest.js';
import { boolean } from '../schema.js';
import { readSize, readTime } from '../units.js';
import type { User } from '../accounts.js';
import { numbersIn, type Machine } from './machine.js';

/** The limits that prlimit(1) knows, which are those of Linux. */
export const limitNames = [
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss'],
  ...['rtprio', 'rttime', 'sigpending', 'stack'],
];

/** The capabilities of Linux, without the `cap_` before them. */
const capabilityNames = [
  ...['audit_control', 'audit_read', 'audit_write', 'block_suspend', 'bpf', 'checkpoint_restore', 'chown'],
  ...['dac_override', 'dac_read_search', 'fowner', 'fsetid', 'ipc_lock', 'ipc_owner', 'kill', 'lease'],
  ...['linux_immutable', 'mac_admin', 'mac_override', 'mknod', 'net_admin', 'net_bind_service', 'net_broadcast'],
  ...['net_raw', 'perfmon', 'setfcap', 'setgid', 'setpcap', 'setuid', 'sys_admin', 'sys_boot', 'sys_chroot'],
  ...['sys_module', 'sys_nice', 'sys_pacct', 'sys_ptrace', 'sys_rawio', 'sys_resource', 'sys_time'],
  ...['sys_tty_config', 'syslog', 'wake_alarm'],
];

/** The id above it means "leave as it is" to the system. */
const lastId = 2 ** 32 - 2;
const unlimited = 'unlimited';
const classes = { idle: false, 'best-effort': true, realtime: true };
const policies = { other: false, batch: false, idle: false, fifo: true, rr: true };

const wordsOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);

/** A whole number within bounds. */
function whole(text: string, least: number, most: number, what = `a whole number from ${least} to ${most}`): number {
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw mustBe(what, text);
  return value;
}

/** True for `wid`: each worker has a processor of its own. */
export const isPinned = (cpus: unknown): boolean => typeof cpus === 'string' && /^\s*wid\s*$/i.test(cpus);

/** The user, whom the machine need not know when he is a number: then there is no name. */
export function readUser(text: string, machine: Machine): Partial<User> & Pick<User, 'uid'> {
  const isNumber = /^\d+$/.test(text);
  if (isNumber && Number(text) > lastId) throw mustBe(`a user or a number from 0 to ${lastId}`, text);
  const user = machine.user(text);
  if (user) return user;
  if (isNumber) return { uid: Number(text) };
  throw mustBe('a user of this machine', text, didYouMean(text, machine.names('passwd')));
}

/** A group by name or number; its id. */
export function readGroup(text: string, machine: Machine): number {
  const gid = machine.group(text);
  if (gid !== undefined && gid <= lastId) return gid;
  throw mustBe('a group of this machine', text, didYouMean(text, machine.names('group')));
}

/** Supplementary groups, as they were written; none for an empty text. */
export function readGroups(text: string, machine: Machine): readonly string[] {
  const groups = wordsOf(text);
  for (const group of groups) readGroup(group, machine);
  return groups;
}

/** A file mask, in four octal digits. */
export function readMask(text: string): string {
  const digits = /^(?:0o)?([0-7]{1,4})$/i.exec(text)?.[1]?.padStart(4, '0');
  if (digits === undefined || digits > '0777') throw mustBe('octal digits such as 022', text);
  return digits;
}

/** A limit as prlimit takes it: one value for both, or `soft:hard`; of open files, unlimited is what the daemon may have. */
export function readLimit(name: string, text: string, { mostFiles }: Machine): string {
  const most = name === 'nofile' ? mostFiles : unlimited;
  const parts = text.split(':').map((part) => readBound(name, part.trim(), most));
  const [soft = most, hard = soft] = parts;
  if (parts.length > 2) throw mustBe('one limit, or a soft and a hard one with a colon between', text);
  const size = (bound: string) => (bound === unlimited ? Infinity : Number(bound));
  if (size(soft) > size(hard)) throw mustBe('a soft limit that is not above the hard one', text);
  return soft === hard ? soft : `${soft}:${hard}`;
}

function readBound(name: string, part: string, most: string): string {
  // Python's RLIM_INFINITY is -1, and Circus takes nothing at all for it.
  if (/^(?:|-1|unlimited|infinity|rlim_infinity)$/i.test(part)) return most;
  const value = (name === 'cpu' ? readTime(part) : readSize(part)) ?? (/^\d+$/.test(part) ? Number(part) : NaN);
  if (Number.isSafeInteger(value)) return String(value);
  throw mustBe(name === 'cpu' ? 'seconds, or unlimited' : 'a whole number, a size such as 512M, or unlimited', part);
}

/** A nice value. */
export const readNice = (text: string): number => whole(text, -20, 19);

/** A score for the system's choice whom to kill when memory runs out. */
export const readScore = (text: string): number => whole(text, -1000, 1000);

/** The words of ionice for `idle`, `best-effort 4` or `realtime 2`. */
export function readDiskClass(text: string): readonly string[] {
  const [name, level] = named(text, classes, '4');
  return level === undefined ? ['-c', name] : ['-c', name, '-n', String(whole(level, 0, 7))];
}

/** The words of chrt for `other`, `batch`, `idle`, `fifo 10` or `rr 10`. */
export function readPolicy(text: string): readonly string[] {
  const [name, priority] = named(text, policies, '');
  return [`--${name}`, priority === undefined ? '0' : String(whole(priority, 1, 99))];
}

/** A name from a table that says which of them have a number behind them, and that number's text. */
function named(text: string, table: Readonly<Record<string, boolean>>, level: string): readonly [string, string?] {
  const names = Object.keys(table);
  const forms = names.map((name) => (table[name] ? `${name} N` : name)).join(', ');
  const [name = '', given, ...more] = text.toLowerCase().split(/\s+/);
  if (!Object.hasOwn(table, name)) throw mustBe(`one of ${forms}`, text, didYouMean(name, names));
  if (more.length > 0 || (given !== undefined && !table[name])) throw mustBe(`one of ${forms}`, text);
  return table[name] ? [name, given ?? level] : [name];
}

/**
 * The processors for the process with this `wid`. `wid` pins worker N to processor N; as they are counted from 0 and
 * workers from 1, the last worker gets processor 0, and with more workers than processors it goes round again.
 */
export function readCpus(text: string, wid: number, { cpus, ownCpus }: Machine): string {
  if (isPinned(text)) return String(ownCpus[wid % ownCpus.length]);
  const parts = wordsOf(text);
  const isList = parts.length > 0 && parts.every((part) => /^\d{1,5}(-\d{1,5})?$/.test(part));
  const list = parts.join(',');
  const numbers = isList ? numbersIn(list) : [];
  if (numbers.length === 0) throw mustBe('processors such as 0-3,5, or wid', text);
  const absent = cpus.length === 0 ? undefined : numbers.find((cpu) => !cpus.includes(cpu));
  if (absent !== undefined) throw new Error(`names processor ${absent}, and this machine has ${rangesOf(cpus)}`);
  return list;
}

function rangesOf(cpus: readonly number[]): string {
  const starts = cpus.filter((cpu) => !cpus.includes(cpu - 1));
  const ends = cpus.filter((cpu) => !cpus.includes(cpu + 1));
  return starts.map((start, at) => (start === ends[at] ? `${start}` : `${start}-${ends[at]}`)).join(',');
}

/** Capabilities as setpriv takes them: `+net_bind_service`, `-all`; with or without `cap_`. */
export function readCapabilities(text: string): readonly string[] {
  return wordsOf(text).map((word) => {
    const [, sign, name = ''] = /^([+-])(?:cap_)?(\w+)$/i.exec(word) ?? [];
    const plain = name.toLowerCase();
    if (sign === undefined) throw mustBe('capabilities with + or - before each', word);
    if (plain === 'all' || capabilityNames.includes(plain)) return sign + plain;
    throw mustBe('capabilities of Linux', word, didYouMean(plain, capabilityNames));
  });
}

/** One of Circus's words for true or false. */
export function readTruth(text: string): boolean {
  const read = v.safeParse(boolean(), text);
  if (!read.success) throw mustBe('true or false', text);
  return read.output;
}
