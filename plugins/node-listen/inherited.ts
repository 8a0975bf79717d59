/** The listening sockets that a process has inherited: what circusd says of them, or what the system knows. */
import { fstatSync, readdirSync } from 'node:fs';
import { rowsOf } from '../net-table.js';

/** The variable in which circusd names them. */
export const variable = 'CIRCUS_LISTEN';

/** One socket. */
export interface Inherited {
  readonly fd: number;
  /** Tells it from whatever else has this number by now. */
  readonly inode: number;
  /** As in the configuration; the address where nobody said one. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The absolute path of a Unix socket. */
  readonly path: string | null;
  readonly backlog: number | null;
}

/** What a process is told. */
export interface Inheritance {
  readonly sockets: readonly Inherited[];
  /** What asks it to end; null: nothing that a program could notice. */
  readonly signal: NodeJS.Signals | null;
  /** What was added to NODE_OPTIONS. */
  readonly option: string;
}

const isListening = '0A';
const acceptsUnix = 0x10000;

/** The inode of a descriptor; undefined where there is none, or no socket. */
function inodeOf(fd: number): number | undefined {
  try {
    const stats = fstatSync(fd);
    return stats.isSocket() ? stats.ino : undefined;
  } catch {
    return undefined;
  }
}

/** True while the descriptor is still this socket: a child of the process may not have it, and a server closes it. */
export const isThere = ({ fd, inode }: Inherited): boolean => inodeOf(fd) === inode;

/** An address of /proc/net: each 32 bits are written as a number of this machine, which has its last byte first. */
function hostOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => word.match(/../g)!.reverse());
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => `${bytes[2 * at]}${bytes[2 * at + 1]}`);
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** Looks for listening sockets among the descriptors that there are. */
function search(): readonly Inherited[] {
  const descriptors = new Map<number, number>();
  for (const name of readdirSync('/proc/self/fd')) {
    const inode = Number(name) > 2 ? inodeOf(Number(name)) : undefined;
    // The last one: under LISTEN_FDS a socket is there twice, and Node closes low numbers in its children.
    if (inode !== undefined) descriptors.set(inode, Number(name));
  }
  if (descriptors.size === 0) return [];
  const found = (inode: number, where: Pick<Inherited, 'name' | 'host' | 'port' | 'path'>) => {
    const fd = descriptors.get(inode);
    return fd === undefined ? [] : { fd, inode, backlog: null, ...where };
  };
  const ports = (['tcp', 'tcp6'] as const).flatMap(rowsOf).flatMap(([, local = '', , state, , , , , , inode]) => {
    if (state !== isListening) return [];
    const [address = '', port = ''] = local.split(':');
    const host = hostOf(address);
    return found(Number(inode), { name: `${host}:${parseInt(port, 16)}`, host, port: parseInt(port, 16), path: null });
  });
  const files = rowsOf('unix').flatMap(([, , , flags = '', , , inode, ...words]) => {
    const path = words.join(' ');
    const listens = (parseInt(flags, 16) & acceptsUnix) !== 0;
    return listens ? found(Number(inode), { name: path, host: '', port: 0, path }) : [];
  });
  return [...ports, ...files];
}

/** What this process has inherited. */
export function inheritance(environment: NodeJS.ProcessEnv): Inheritance {
  const said = environment[variable];
  return said === undefined ? { sockets: search(), signal: 'SIGTERM', option: '' } : (JSON.parse(said) as Inheritance);
}
