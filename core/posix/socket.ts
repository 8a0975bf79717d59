/** Sockets by native calls: made, bound and listening, without libuv, which would accept on them. */
import { fstatSync, readSync, writeSync } from 'node:fs';
import { isIP } from 'node:net';
import { close, park, setBlocking } from './descriptor.js';
import { checked, libc } from './libc.js';

const families = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10 } as const;
const types = { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_RAW: 3, SOCK_RDM: 4, SOCK_SEQPACKET: 5 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const AF_NETLINK = 16;
const SOCK_DIAG = 4;
const BY_FAMILY = 20;
const pathSize = 108;

export type Family = keyof typeof families;
export type SocketType = keyof typeof types;

/** Where a socket is bound: a path, or a numeric address and a port. */
export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

/** What `bindSocket` needs; the host is numeric. */
export interface BindRequest {
  readonly family: Family;
  readonly type: SocketType;
  readonly protocol: number;
  readonly address: Address;
  readonly backlog: number;
  readonly reusePort: boolean;
  readonly device: string | null;
  readonly blocking: boolean;
}

function encodeV6(host: string): Buffer {
  // Node's URL parser knows every spelling of an IPv6 address, and gives one of them back.
  const [head = '', tail] = new URL(`http://[${host.replace(/%.*$/, '')}]/`).hostname.slice(1, -1).split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  const words = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(words.map((word) => word.padStart(4, '0')).join(''), 'hex');
}

function encode(family: Family, address: Address): Buffer {
  if ('path' in address) {
    const path = Buffer.from(address.path);
    // An abstract address begins with a NUL, and any at its end would be a part of it.
    const bytes = Buffer.alloc(2 + path.length + (path[0] === 0 ? 0 : 1));
    bytes.writeUInt16LE(families.AF_UNIX, 0);
    path.copy(bytes, 2);
    return bytes;
  }
  const bytes = Buffer.alloc(family === 'AF_INET6' ? 28 : 16);
  bytes.writeUInt16LE(families[family], 0);
  bytes.writeUInt16BE(address.port, 2);
  if (family === 'AF_INET6')
    encodeV6(isIP(address.host) === 4 ? `::ffff:${address.host}` : address.host).copy(bytes, 8);
  else Buffer.from(address.host.split('.').map(Number)).copy(bytes, 4);
  return bytes;
}

/** What a socket is bound to, also when its port was asked for as 0. @throws ERR_SYSTEM_CALL for what is no socket */
export function boundTo(fd: number): Pick<BindRequest, 'family' | 'address'> {
  const bytes = Buffer.alloc(128);
  const length = Buffer.from([bytes.length, 0, 0, 0]);
  checked('getsockname', libc().getsockname(fd, bytes, length));
  const family = bytes.readUInt16LE(0);
  if (family === families.AF_UNIX)
    return { family: 'AF_UNIX', address: { path: bytes.toString('utf8', 2, length[0]).replace(/\0$/, '') } };
  const words = bytes.toString('hex', 8, 24).match(/.{4}/g)!.join(':');
  const isV4 = family === families.AF_INET;
  const host = isV4 ? bytes.subarray(4, 8).join('.') : new URL(`http://[${words}]/`).hostname.slice(1, -1);
  return { family: isV4 ? 'AF_INET' : 'AF_INET6', address: { host, port: bytes.readUInt16BE(2) } };
}

/** True for a socket of this type. */
export const isOfType = (fd: number, type: SocketType): boolean =>
  optionOf(fd, SOL_SOCKET, SO_TYPE, 4)?.readUInt32LE(0) === types[type];

function optionOf(fd: number, level: number, option: number, size: number): Buffer | undefined {
  const value = Buffer.alloc(size);
  return libc().getsockopt(fd, level, option, value, Buffer.from([size, 0, 0, 0])) < 0 ? undefined : value;
}

/** Clients that wait to be accepted, and how many may. */
export type Queue = { readonly length: number; readonly limit: number };

/** The queue of a socket that listens; undefined where the system does not tell. */
export function queueOf(fd: number, family: Family): Queue | undefined {
  if (family === 'AF_UNIX') return unixQueue(fstatSync(fd).ino);
  const info = optionOf(fd, IPPROTO_TCP, TCP_INFO, 32);
  return info && { length: info.readUInt32LE(24), limit: info.readUInt32LE(28) };
}

/** Asked as ss(8) asks, by NETLINK_SOCK_DIAG: no file in /proc tells the queue of a Unix socket. */
function unixQueue(inode: number): Queue | undefined {
  const fd = checked('socket', libc().socket(AF_NETLINK, types.SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, SOCK_DIAG));
  try {
    // struct nlmsghdr: length, type and NLM_F_REQUEST; struct unix_diag_req: family, inode, UDIAG_SHOW_RQLEN, any cookie.
    writeSync(fd, Uint32Array.of(40, BY_FAMILY | (1 << 16), 0, 0, families.AF_UNIX, 0, inode, 16, -1, -1));
    const answer = new Uint32Array(16);
    readSync(fd, answer);
    // struct nlmsghdr and struct unix_diag_msg, of 16 bytes each, and an attribute UNIX_DIAG_RQLEN.
    const [, kind = 0, , , , , , , attribute = 0, length = 0, limit = 0] = answer;
    return (kind & 0xffff) === BY_FAMILY && attribute >>> 16 === 4 ? { length, limit } : undefined;
  } catch {
    return undefined;
  } finally {
    close(fd);
  }
}

/** True for a path that fits into a socket address. */
export const isSocketPath = (path: string): boolean => Buffer.byteLength(path) < pathSize;

/** True for the types that clients connect to. */
export const listens = (type: SocketType): boolean => type === 'SOCK_STREAM' || type === 'SOCK_SEQPACKET';

/** Listens where the type can, also once more with another backlog: who waits already goes on waiting. */
export function listenOn(fd: number, { type, backlog }: Pick<BindRequest, 'type' | 'backlog'>): void {
  if (listens(type)) checked('listen', libc().listen(fd, backlog));
}

/** Lets further sockets have the same port, or no more. */
export function sharePort(fd: number, shared: boolean): void {
  checked('SO_REUSEPORT', libc().setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, Buffer.from([+shared, 0, 0, 0]), 4));
}

/** A bound socket, listening where its type can, parked at descriptor 64 or higher. @throws ERR_SYSTEM_CALL */
export function bindSocket(request: BindRequest): number {
  const { socket, bind, setsockopt } = libc();
  const { family, type, address } = request;
  const fd = checked('socket', socket(families[family], types[type] | SOCK_CLOEXEC, request.protocol));
  try {
    checked('SO_REUSEADDR', setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Buffer.from([1, 0, 0, 0]), 4));
    if (request.reusePort) sharePort(fd, true);
    if (request.device !== null) {
      const name = Buffer.from(`${request.device}\0`);
      checked('SO_BINDTODEVICE', setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
    }
    const bytes = encode(family, address);
    checked('bind', bind(fd, bytes, bytes.length));
    listenOn(fd, request);
    setBlocking(fd, request.blocking);
    return park(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
}
