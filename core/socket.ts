/** One listening socket that children inherit: bound here, never accepted on, so that clients queue while no worker is up. */
import { lookup } from 'node:dns/promises';
import { lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP, Socket as NetSocket } from 'node:net';
import { CircusError, reasonOf } from './errors.js';
import { close, duplicate } from './posix/descriptor.js';
import { bindSocket, isSocketPath, type Address } from './posix/socket.js';
import { onArrival } from './posix/wait.js';
import type { SocketSpec } from './spec.js';

const protocols: Readonly<Record<string, number>> = { ip: 0, icmp: 1, tcp: 6, udp: 17, sctp: 132, udplite: 136 };

/** A bound socket; its descriptor has the same number here, in `listsockets` and in every child that inherits it. */
export class Socket {
  readonly spec: SocketSpec;
  readonly fd: number;
  /** The port it really has; 0 for a Unix socket. */
  readonly port: number;
  /** Identifies the file of a Unix socket, so that nobody else's is removed. */
  readonly #inode: number | undefined;

  private constructor(spec: SocketSpec, fd: number, port: number) {
    this.spec = spec;
    this.fd = fd;
    this.port = port;
    this.#inode = spec.path === null ? undefined : lstatSync(spec.path).ino;
  }

  /** Binds and listens. @throws ERR_SOCKET_BIND */
  static async open(spec: SocketSpec): Promise<Socket> {
    const where = addressOf(spec, spec.port);
    const family = spec.path === null ? spec.family : 'AF_UNIX';
    try {
      const address = await resolveAddress({ ...spec, family });
      if ('path' in address) await makeWay(address.path, spec.replace);
      const protocol = spec.proto === null ? 0 : protocols[spec.proto.toLowerCase()];
      if (protocol === undefined) throw new Error(`"${spec.proto}" is not a known protocol`);
      // Nothing else can run in between: the umask of the process is that of the socket only here.
      const umask = 'path' in address ? process.umask(spec.umask) : undefined;
      try {
        const bound = { reusePort: spec.so_reuseport, device: spec.interface };
        const { fd, port } = bindSocket({ ...spec, ...bound, family, address, protocol });
        return new Socket(spec, fd, port);
      } finally {
        if (umask !== undefined) process.umask(umask);
      }
    } catch (error) {
      throw new CircusError('ERR_SOCKET_BIND', [spec.name, where, reasonOf(error)], { cause: error });
    }
  }

  /** Its address as people write it: `host:port` or the path. */
  get address(): string {
    return addressOf(this.spec, this.port);
  }

  /**
   * Calls back once, when a client waits to be accepted; the returned function stops waiting. Nothing is accepted:
   * the first read of a listening socket fails, and it does so exactly when somebody is there.
   */
  onReadable(readable: () => void): () => void {
    // libuv knows no datagrams, and makes the open file non-blocking, which children share.
    if (this.spec.type !== 'SOCK_STREAM' || this.spec.blocking) return onArrival(this.fd, readable);
    const probe = new NetSocket({ fd: duplicate(this.fd), readable: true, writable: false });
    probe.once('error', readable);
    probe.resume();
    return () => probe.destroy();
  }

  /** As `onReadable`, and also for a client that a worker was quicker to take. @throws ERR_SYSTEM_CALL */
  onArrival(arrived: () => void): () => void {
    return onArrival(this.fd, arrived);
  }

  /** Closes it, and removes the file of a Unix socket unless somebody has put another there. */
  close(): void {
    close(this.fd);
    const { path } = this.spec;
    if (path !== null && lstatSync(path, { throwIfNoEntry: false })?.ino === this.#inode) unlinkSync(path);
  }
}

function addressOf({ path, host }: SocketSpec, port: number): string {
  return path ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

async function resolveAddress({ family, path, host, port }: SocketSpec): Promise<Address> {
  if (path !== null) {
    if (!isSocketPath(path)) throw new Error('the path is too long for a socket (107 bytes)');
    return { path };
  }
  if (family === 'AF_UNIX') throw new Error('a Unix socket needs a path');
  const version = family === 'AF_INET6' ? 6 : 4;
  if (isIP(host) > version) throw new Error(`"${host}" is not an IPv4 address`);
  if (isIP(host)) return { host, port };
  if (host === '') return { host: version === 6 ? '::' : '0.0.0.0', port };
  const { address } = await lookup(host, { family: version });
  return { host: address, port };
}

/** Removes a socket file that is in the way, if that was asked for or nobody listens on it any more. */
async function makeWay(path: string, replace: boolean): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new Error('the path exists already and is not a socket');
  if (!replace && (await isServed(path))) throw new Error('the path exists already and something listens on it');
  unlinkSync(path);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path);
    client
      .once('connect', () => resolve(true))
      .once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'))
      .once('connect', () => client.destroy());
  });
}
