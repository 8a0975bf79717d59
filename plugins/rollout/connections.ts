/** Who is connected to a process, as its descriptors and the kernel's tables of sockets tell (proc(5)). */
import { readdirSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Process } from '#core';

/** What is seen of a process and its tree. */
export interface Sight {
  /** How many clients are connected: accepted, and not closed by the process. */
  readonly connections: number;
  /** How many of them are those of the process itself, and not of its tree. */
  readonly own: number;
  /** It could accept more: it has a socket that listens. */
  readonly listens: boolean;
}

/** A socket that listens, and one that was accepted where another listens; anything else has no clients. */
type Kind = 'door' | 'client' | 'other';

const listening = '0A';
/** Rows that listen, or in which the process may still answer (ESTABLISHED, CLOSE_WAIT): port, state and inode. */
const tcpRow = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} (01|08|0A) \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm;
/** Rows with a name: flags, state, inode and the name, which an accepted socket has from the one that listens. */
const unixRow = /^\S+ \S+ \S+ ([0-9A-F]{8}) \S+ ([0-9A-F]{2}) +(\d+) (.+)$/gm;
const acceptsUnix = '00010000';
const connectedUnix = '03';

/** The inodes of the sockets that a process has; undefined when it is not ours to look at, or ends. */
function socketsOf(pid: number): readonly string[] | undefined {
  const folder = `/proc/${pid}/fd`;
  const inodeOf = (fd: string) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.[1] ?? [];
    } catch {
      // It was closed meanwhile.
      return [];
    }
  };
  try {
    const all = readdirSync(folder);
    return all.length === 0 ? undefined : all.flatMap(inodeOf);
  } catch {
    return undefined;
  }
}

/** A table of the network that a process is in, as text; empty where it has no such sockets. On a busy machine it has megabytes. */
const tableOf = (pid: number, name: string): Promise<string> =>
  readFile(`/proc/${pid}/net/${name}`, 'latin1').catch(() => '');

/** Looks again and again at one process. */
export class Connections {
  /** What was seen last. */
  last: Sight = { connections: 0, own: 0, listens: false };
  readonly #process: Process;
  /** What its sockets are, by inode: none becomes another one. */
  #kinds: ReadonlyMap<string, Kind> = new Map();
  /** Where it listens or has listened: its clients have come there, and not gone out from it. */
  readonly #doors = new Set<string>();

  constructor(process: Process) {
    this.#process = process;
  }

  /** Resolves with what is seen now; with undefined when nothing can be. */
  async look(): Promise<Sight | undefined> {
    const own = socketsOf(this.#process.pid);
    if (!own) return undefined;
    const others = this.#process.descendants().flatMap((pid) => socketsOf(pid) ?? []);
    const inodes = [...new Set([...own, ...others])];
    if (inodes.some((inode) => !this.#kinds.has(inode))) {
      const kinds = await this.#learn(new Set(inodes));
      // What has ended meanwhile is in no table.
      if (!socketsOf(this.#process.pid)) return undefined;
      this.#kinds = kinds;
    }
    const count = (kind: Kind, of = inodes) => of.filter((inode) => this.#kinds.get(inode) === kind).length;
    this.last = { connections: count('client'), own: count('client', [...new Set(own)]), listens: count('door') > 0 };
    return this.last;
  }

  async #learn(inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, Kind>> {
    const { pid } = this.#process;
    const [tcp, tcp6, unix] = await Promise.all(['tcp', 'tcp6', 'unix'].map((name) => tableOf(pid, name)));
    const ports = [...`${tcp}${tcp6}`.matchAll(tcpRow)].map(([, port = '', state, inode = '']) => ({
      ...{ inode, place: port, listens: state === listening },
    }));
    const files = [...unix!.matchAll(unixRow)].flatMap(([, flags, state, inode = '', place = '']) =>
      flags === acceptsUnix || state === connectedUnix ? { inode, place, listens: flags === acceptsUnix } : [],
    );
    const found = [...ports, ...files].filter(({ inode }) => inodes.has(inode));
    for (const { place, listens } of found) if (listens) this.#doors.add(place);
    const kinds = new Map<string, Kind>([...inodes].map((inode) => [inode, 'other']));
    for (const { inode, place, listens } of found)
      if (listens) kinds.set(inode, 'door');
      else if (this.#doors.has(place)) kinds.set(inode, 'client');
    return kinds;
  }
}
