/** Sockets by native calls: made, bound and listening, without libuv, which would accept on them. */
import { isIP } from 'node:net';
import { close, park, setBlocking } from './descriptor.js';
import { checked, libc } from './libc.js';

const families = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10 } as const;
const types = { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_RAW: 3, SOCK_RDM: 4, SOCK_SEQPACKET: 5 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_BINDTODEVICE = 25;
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

/** The port that a bound socket of an IP family has, also when it was asked for as 0. */
function boundPort(fd: number): number {
  const bytes = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  checked('getsockname', libc().getsockname(fd, bytes, length));
  return bytes.readUInt16BE(2);
}

/** True for a path that fits into a socket address. */
export const isSocketPath = (path: string): boolean => Buffer.byteLength(path) < pathSize;

/**
 * A bound socket, listening where its type can, parked at descriptor 64 or higher; with the port it really has.
 * @throws ERR_SYSTEM_CALL
 */
export function bindSocket(request: BindRequest): { readonly fd: number; readonly port: number } {
  const { socket, bind, listen, setsockopt } = libc();
  const { family, type, address } = request;
  let fd = checked('socket', socket(families[family], types[type] | SOCK_CLOEXEC, request.protocol));
  try {
    const on = Buffer.from([1, 0, 0, 0]);
    checked('SO_REUSEADDR', setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, 4));
    if (request.reusePort) checked('SO_REUSEPORT', setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, on, 4));
    if (request.device !== null) {
      const name = Buffer.from(`${request.device}\0`);
      checked('SO_BINDTODEVICE', setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, name.length));
    }
    const bytes = encode(family, address);
    checked('bind', bind(fd, bytes, bytes.length));
    if (type === 'SOCK_STREAM' || type === 'SOCK_SEQPACKET') checked('listen', listen(fd, request.backlog));
    setBlocking(fd, request.blocking);
    fd = park(fd);
    return { fd, port: family === 'AF_UNIX' ? 0 : boundPort(fd) };
  } catch (error) {
    close(fd);
    throw error;
  }
}
