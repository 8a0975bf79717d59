/** Who is connected to a process, as its descriptors and the kernel's tables of sockets tell (proc(5)). */
import { readdirSync, readlinkSync } from 'node:fs';
import type { Process } from '#core';
import { rowsOf } from '../net-table.js';

/** What is seen of a process and its tree. */
export interface Sight {
  /** How many clients are connected: accepted, and not closed by the process. */
  readonly connections: number;
  /** It could accept more: it has a socket that listens. */
  readonly listens: boolean;
}

/** The `St` of the tables: ESTABLISHED and CLOSE_WAIT, in which the process may still answer; LISTEN. */
const open = new Set(['01', '08']);
const listening = '0A';
/** The same of Unix sockets: connected, and the flag of one that listens. */
const openUnix = '03';
const acceptsUnix = 0x10000;

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

/** Looks again and again at one process. */
export class Connections {
  readonly #process: Process;
  /** Where it listens or has listened: its clients have come there, and not gone out from it. */
  readonly #ports = new Set<string>();
  readonly #paths = new Set<string>();

  constructor(process: Process) {
    this.#process = process;
  }

  /** What is seen now; undefined when nothing can be. */
  look(): Sight | undefined {
    const own = socketsOf(this.#process.pid);
    if (!own) return undefined;
    const others = this.#process.descendants().flatMap((pid) => socketsOf(pid) ?? []);
    const inodes = new Set([...own, ...others]);
    if (inodes.size === 0) return { connections: 0, listens: false };
    const tcp = (['tcp', 'tcp6'] as const)
      .flatMap(rowsOf)
      .filter((row) => inodes.has(row[9] ?? ''))
      .map(([, local = '', , state = '']) => ({ state, port: local.split(':').at(-1)! }));
    const unix = rowsOf('unix')
      .filter((row) => inodes.has(row[6] ?? ''))
      .map(([, , , flags = '', , state, , ...path]) => ({
        listens: (parseInt(flags, 16) & acceptsUnix) !== 0,
        isOpen: state === openUnix,
        path: path.join(' '),
      }));
    const doors = tcp.filter(({ state }) => state === listening);
    const gates = unix.filter(({ listens }) => listens);
    for (const { port } of doors) this.#ports.add(port);
    for (const { path } of gates) this.#paths.add(path);
    const clients = tcp.filter(({ state, port }) => open.has(state) && this.#ports.has(port)).length;
    const guests = unix.filter(({ listens, isOpen, path }) => !listens && isOpen && this.#paths.has(path)).length;
    return { connections: clients + guests, listens: doors.length + gates.length > 0 };
  }
}
