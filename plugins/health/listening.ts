/**
 * Whether a program accepts clients, found without its help: where its threads sleep, and what its epoll sets hold, is in
 * `/proc`. All of the tree is looked at, as a worker may do what its master does not.
 */
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { reasonOf } from '#core';

/** What is seen: it waits for clients, or is busy with one; it does neither; or nothing can be seen, and why. */
export interface Sight {
  readonly sees: 'accepting' | 'busy' | 'idle' | 'nothing';
  /** A phrase that goes on after "it". */
  readonly how: string;
}

/** Which sockets are meant: inodes, as text. */
export interface Sought {
  /** Those that the process inherited. */
  readonly inherited: ReadonlySet<string>;
  /** All of the daemon. */
  readonly owned: ReadonlySet<string>;
}

/** Numbers of system calls. */
type Calls = Readonly<Record<'accept' | 'poll' | 'select' | 'ring', readonly number[]>>;

/** `accept` also stands for the calls that receive datagrams. */
const callsOf: Partial<Record<NodeJS.Architecture, Calls>> = {
  x64: { accept: [43, 288, 45, 47, 299], poll: [7, 271], select: [23, 270], ring: [426] },
  arm64: { accept: [202, 242, 207, 212, 243], poll: [73], select: [72], ring: [426] },
};
const calls = callsOf[process.arch];

const POLLIN = 1;
/** The size of `struct pollfd`, and how many of them are read. */
const pollSize = 8;
const mostPolled = 1024;
const inode = /^socket:\[(\d+)\]$/;

/** The inode of a descriptor of this process; undefined for what is no socket. */
export function inodeOf(fd: number): string | undefined {
  try {
    return inode.exec(readlinkSync(`/proc/self/fd/${fd}`))?.[1];
  } catch {
    return undefined;
  }
}

/** Thrown where something can't be seen. */
class Unseen extends Error {}

/** Reads something of a process; undefined when it is gone. @throws Unseen when that is not allowed */
function look<T>(pid: number, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw new Unseen(`process ${pid} can't be looked at (${code ?? reasonOf(error)})`);
  }
}

/** The descriptors of a process and what they are. */
function descriptorsOf(pid: number): ReadonlyMap<number, string> {
  const folder = `/proc/${pid}/fd`;
  const names = look(pid, () => readdirSync(folder)) ?? [];
  return new Map(names.map((fd) => [Number(fd), look(pid, () => readlinkSync(`${folder}/${fd}`)) ?? '']));
}

/** True when an epoll set of the process waits for one of these sockets to become readable. */
function isInEpoll(pid: number, fd: number, sockets: ReadonlySet<string>): boolean {
  const text = look(pid, () => readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')) ?? '';
  const entries = text.matchAll(/^tfd:.*events:\s*([0-9a-f]+).* ino:\s*([0-9a-f]+)/gm);
  return [...entries].some(
    ([, events = '', ino = '']) => parseInt(events, 16) & POLLIN && sockets.has(String(parseInt(ino, 16))),
  );
}

/** Bytes of the memory of a process. */
function memoryOf(pid: number, address: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  look(pid, () => {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      readSync(memory, bytes, 0, size, address);
    } finally {
      closeSync(memory);
    }
  });
  return bytes;
}

/** The call in which a thread sleeps, with its first two arguments; undefined while it runs. */
function callOf(pid: number, task: string): readonly [number, number, number] | undefined {
  const file = `/proc/${pid}/task/${task}/syscall`;
  const [call = '', first, second] = (look(pid, () => readFileSync(file, 'latin1')) ?? '').split(' ');
  return /^\d+$/.test(call) ? [Number(call), Number(first), Number(second)] : undefined;
}

/** How one process waits for clients of these sockets; undefined when it does not. @throws Unseen */
function waitOf(pid: number, sockets: ReadonlySet<string>): string | undefined {
  const descriptors = descriptorsOf(pid);
  const isOne = (fd: number) => sockets.has(inode.exec(descriptors.get(fd) ?? '')?.[1] ?? '');
  const epolls = [...descriptors].filter(([, target]) => target === 'anon_inode:[eventpoll]');
  if (epolls.some(([fd]) => isInEpoll(pid, fd, sockets))) return 'has it in an epoll set';
  const tasks = look(pid, () => readdirSync(`/proc/${pid}/task`)) ?? [];
  if (!calls) throw new Unseen(`the system calls of ${process.arch} are not known here`);
  let blind: string | undefined;
  for (const task of tasks) {
    const [call, first, second] = callOf(pid, task) ?? [-1, 0, 0];
    if (calls.accept.includes(call) && isOne(first)) return 'sleeps in accept';
    if (calls.poll.includes(call)) {
      const polled = memoryOf(pid, first, Math.min(second, mostPolled) * pollSize);
      for (let at = 0; at < polled.length; at += pollSize)
        if (polled.readInt16LE(at + 4) & POLLIN && isOne(polled.readInt32LE(at))) return 'sleeps in poll';
    }
    if (calls.select.includes(call) && second !== 0) {
      const set = memoryOf(pid, second, Math.ceil(first / 64) * 8);
      const has = (fd: number) => fd < first && ((set[fd >> 3] ?? 0) >> (fd & 7)) & 1;
      if ([...descriptors.keys()].some((fd) => isOne(fd) && has(fd))) blind = 'sleeps in select()';
    }
  }
  const uring = [...descriptors.values()].includes('anon_inode:[io_uring]');
  if (uring) blind = 'uses io_uring';
  if (blind !== undefined) throw new Unseen(blind);
  return undefined;
}

const LISTEN = '0A';
const ACCEPTS_CONNECTIONS = 0x10000;

/** How much of a table of sockets is read at first, in bytes. Those that listen come first; of the others there may be 100,000. */
const beginning = 128 * 1024;

function readBeginning(file: string): string {
  const table = openSync(file, 'r');
  const bytes = Buffer.alloc(beginning);
  let size = 0;
  try {
    for (let more = -1; more !== 0 && size < bytes.length; size += more)
      more = readSync(table, bytes, { offset: size });
  } finally {
    closeSync(table);
  }
  return bytes.toString('latin1', 0, size);
}

/** A socket of somebody in the network of a process. */
interface Seen {
  readonly ino: string;
  readonly kind: 'tcp' | 'unix';
  /** Its own address; an accepted one has that of its listener. */
  readonly name: string;
  readonly listens: boolean;
}

/** The TCP sockets, and the Unix sockets with a path, in the network of a process: all, or those that are found soon. */
function socketsNear(pid: number, thorough: boolean): readonly Seen[] {
  const rows = (name: string) => {
    const file = `/proc/${pid}/net/${name}`;
    const text = look(pid, () => (thorough ? readFileSync(file, 'latin1') : readBeginning(file)));
    const [, ...lines] = (text ?? '').split('\n');
    return lines.map((line) => line.trim().split(/\s+/));
  };
  const tcp = ['tcp', 'tcp6'].flatMap(rows).map(([, local = '', , state, , , , , , ino = '']): Seen => {
    const port = parseInt(local.slice(local.indexOf(':') + 1), 16);
    return { ino, kind: 'tcp', name: `port ${port}`, listens: state === LISTEN };
  });
  const unix = rows('unix').map(([, , , flags = '', , , ino = '', path = 'a Unix socket']): Seen => {
    return { ino, kind: 'unix', name: path, listens: (parseInt(flags, 16) & ACCEPTS_CONNECTIONS) !== 0 };
  });
  return [...tcp, ...unix];
}

/** What sockets of these processes that are not the daemon's show: a client of an inherited one, or a port of their own. */
function ownSocket(pids: readonly number[], { inherited, owned }: Sought, thorough: boolean): Sight | undefined {
  const inodes = pids.flatMap((pid) =>
    [...descriptorsOf(pid).values()].flatMap((target) => inode.exec(target)?.[1] ?? []),
  );
  const own = new Set(inodes.filter((ino) => !owned.has(ino)));
  if (own.size === 0) return undefined;
  const near = socketsNear(pids[0]!, thorough);
  const served = new Set(near.flatMap(({ ino, name, listens }) => (listens && inherited.has(ino) ? name : [])));
  const mine = near.filter(({ ino }) => own.has(ino));
  if (mine.some(({ name, listens }) => !listens && served.has(name)))
    return { sees: 'busy', how: 'has accepted a client' };
  // Beside inherited sockets, a Unix socket is rather one that the program is controlled by.
  const port = mine.find(({ kind, listens }) => listens && (kind === 'tcp' || inherited.size === 0));
  return port && { sees: 'accepting', how: `listens on ${port.name}` };
}

/** What a tree of processes does about clients: `pids` are its members, the root first. A thorough look finds all clients. */
export function lookAt(pids: readonly number[], sought: Sought, thorough = false): Sight {
  let unseen: string | undefined;
  const attempt = <T>(action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Unseen)) throw error;
      unseen ??= error.message;
      return undefined;
    }
  };
  for (const pid of sought.inherited.size > 0 ? pids : []) {
    const how = attempt(() => waitOf(pid, sought.inherited));
    if (how !== undefined) return { sees: 'accepting', how };
  }
  const shown = attempt(() => ownSocket(pids, sought, thorough));
  if (shown) return shown;
  if (unseen !== undefined) return { sees: 'nothing', how: unseen };
  return { sees: 'idle', how: sought.inherited.size > 0 ? 'does not accept on its sockets' : 'listens on no port' };
}
