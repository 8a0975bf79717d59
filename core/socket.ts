/** One listening socket that children inherit: bound here, never accepted on, so that clients queue while no worker is up. */
import { lookup } from 'node:dns/promises';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants as fs,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  unlinkSync,
} from 'node:fs';
import { connect, isIP } from 'node:net';
import { constants } from 'node:os';
import { CircusError, reasonOf } from './errors.js';
import { close, move, park, setBlocking } from './posix/descriptor.js';
import * as native from './posix/socket.js';
import type { Address, BindRequest, Queue } from './posix/socket.js';
import { onArrival, onRefusedRead, waitAtEach, type Way } from './posix/wait.js';
import type { SocketSpec } from './spec.js';

// Node does not name it.
const O_PATH = 0o10000000;

const protocols: Readonly<Record<string, number>> = { ip: 0, icmp: 1, tcp: 6, udp: 17, sctp: 132, udplite: 136 };

/** What there is already when a socket is opened. */
export interface Forerunners {
  /** A descriptor that was handed over: it is used where it is bound, and closed when it can't be used. */
  readonly given?: number | undefined;
  /** Sockets that are about to be closed: the new one may have the address of one of them. */
  readonly leaving?: readonly Socket[];
}

/** A bound socket; its descriptor has the same number here, in `listsockets` and in every child that inherits it. */
export class Socket {
  spec: SocketSpec;
  readonly fd: number;
  /** The port it really has; 0 for a Unix socket. */
  readonly port: number;
  /** How another one is made for the same address. */
  readonly #request: BindRequest;
  /** Identifies the file of a Unix socket that was made here, so that nobody else's is removed. */
  readonly #inode: number | undefined;
  /** The sockets of places in watchers, where each has one of its own. */
  #seats: readonly { readonly watcher: string; readonly seat: number; fd: number }[] = [];
  /** Those who wait for a client: each can be sent to other descriptors. */
  readonly #waiting = new Set<(fds: readonly number[]) => void>();

  private constructor(spec: SocketSpec, fd: number, wished: BindRequest, given: boolean) {
    const { family, address } = native.boundTo(fd);
    this.spec = given ? { ...spec, ...address } : spec;
    this.fd = fd;
    this.port = 'port' in address ? address.port : 0;
    this.#request = { ...wished, family, address };
    this.#inode = spec.path === null || given ? undefined : lstatSync(spec.path).ino;
  }

  /** Binds and listens. @throws ERR_SOCKET_BIND */
  static async open(spec: SocketSpec, { given, leaving = [] }: Forerunners = {}): Promise<Socket> {
    const handed = given === undefined ? undefined : park(given);
    try {
      const request = await requestFor(spec);
      if (handed !== undefined) return new Socket(spec, adopt(handed, request), request, true);
      const { path } = spec;
      if (path !== null) await makeWay(path, spec.replace || leaving.some((socket) => socket.#owns(path)));
      // Nothing else can run in between: the umask of the process is that of the socket only here.
      const umask = path === null ? undefined : process.umask(spec.umask);
      try {
        return new Socket(spec, bindBeside(request, leaving), request, false).#owned();
      } finally {
        if (umask !== undefined) process.umask(umask);
      }
    } catch (error) {
      if (handed !== undefined) close(handed);
      throw new CircusError('ERR_SOCKET_BIND', [spec.name, addressOf(spec), reasonOf(error)], { cause: error });
    }
  }

  /** How many clients wait to be accepted, and how many may; undefined where the system does not tell. */
  get queue(): Queue | undefined {
    const { type, family } = this.#request;
    if (!native.listens(type)) return undefined;
    const queues = this.fds.map((fd) => native.queueOf(fd, family));
    return queues.reduce((sum, one) => sum && one && { length: sum.length + one.length, limit: sum.limit + one.limit });
  }

  /** Its address as people write it: `host:port` or the path. */
  get address(): string {
    return addressOf({ ...this.spec, port: this.port });
  }

  /** All its descriptors. */
  get fds(): readonly number[] {
    return [...new Set([this.fd, ...this.#seats.map(({ fd }) => fd)])];
  }

  /**
   * The descriptor for a place in a watcher: with `so_reuseport` each has a socket of its own, which stays while nothing
   * runs in that place, so that clients wait in it. 0 stands for no place: whoever asks only looks.
   * @throws ERR_SYSTEM_CALL
   */
  seat(watcher: string, seat: number): number {
    if (seat === 0) return this.fd;
    const fd = this.#seatOf(watcher, seat);
    // Whoever shares it may have shut it down, which ends it for all; listening once more brings it back.
    native.listenOn(fd, this.spec);
    return fd;
  }

  #seatOf(watcher: string, seat: number): number {
    if (!this.spec.so_reuseport) return this.fd;
    const known = this.#seats.find((one) => one.watcher === watcher && one.seat === seat);
    if (known) return known.fd;
    // Were the first one nobody's, clients would wait in it for ever.
    const fd =
      this.#seats.length === 0
        ? this.fd
        : native.bindSocket({ ...this.#request, ...this.spec, family: this.#request.family });
    this.#seats = [...this.#seats, { watcher, seat, fd }];
    this.#waitAt(this.fds);
    return fd;
  }

  /** Closes what was opened for other places in this watcher than these. */
  keepSeats(watcher: string, seats: ReadonlySet<number>): void {
    const left = this.#seats.filter((one) => one.watcher === watcher && !seats.has(one.seat));
    if (left.length === 0) return;
    // Whoever waits at an open file keeps it open, and clients would still be sent there.
    this.#waitAt([]);
    this.#seats = this.#seats.filter((one) => !left.includes(one));
    for (const { fd } of left) if (fd !== this.fd) close(fd);
    const [heir] = this.#seats;
    if (heir && left.some(({ fd }) => fd === this.fd)) {
      move(heir.fd, this.fd);
      heir.fd = this.fd;
    }
    this.#waitAt(this.fds);
  }

  /** Takes on other values of `backlog`, `umask`, `owner`, `group`, `replace` and `blocking`. @throws ERR_SOCKET_CHANGE */
  change(spec: SocketSpec): void {
    const { path } = this.spec;
    const { umask, owner, group } = spec;
    try {
      for (const fd of this.fds) {
        // Once more, with another limit: who waits goes on waiting.
        native.listenOn(fd, spec);
        setBlocking(fd, spec.blocking);
      }
      const isOther = umask !== this.spec.umask || owner !== this.spec.owner || group !== this.spec.group;
      // One that was handed over has the access that its maker gave it.
      if (path !== null && this.#inode !== undefined && isOther) this.#give(path, spec);
      const { host, port } = this.spec;
      this.spec = { ...spec, host, port, path };
    } catch (error) {
      throw new CircusError('ERR_SOCKET_CHANGE', [spec.name, reasonOf(error)], { cause: error });
    }
  }

  /**
   * Calls back once, when a client waits to be accepted at any of its descriptors; the returned function stops waiting.
   * @throws ERR_SYSTEM_CALL
   */
  onReadable(readable: () => void): () => void {
    // libuv knows no datagrams, and makes the open file non-blocking, which children share.
    const ours = this.spec.type !== 'SOCK_STREAM' || this.spec.blocking;
    return this.#wait(ours ? onArrival : onRefusedRead, readable);
  }

  /** As `onReadable`, and also for a client that a worker was quicker to take. @throws ERR_SYSTEM_CALL */
  onArrival(arrived: () => void): () => void {
    return this.#wait(onArrival, arrived);
  }

  /** Closes it, and removes the file of a Unix socket unless somebody has put another there. */
  close(): void {
    this.#waitAt([]);
    for (const fd of this.fds) close(fd);
    const { path } = this.spec;
    if (path !== null && this.#owns(path)) unlinkSync(path);
  }

  /** Lets others use its file, unless somebody has put another there, or a link to one. @throws Error */
  #give(path: string, { umask, owner, group }: SocketSpec): void {
    const file = openSync(path, O_PATH | fs.O_NOFOLLOW);
    try {
      if (fstatSync(file).ino !== this.#inode) throw new Error(`"${path}" is not the socket's file any more`);
      // By this name it can be no other file than the one that was looked at.
      const same = `/proc/self/fd/${file}`;
      chmodSync(same, 0o777 & ~umask);
      chownSync(same, owner ?? process.geteuid!(), group ?? process.getegid!());
    } finally {
      closeSync(file);
    }
  }

  /** Waits at all descriptors for the first to come, also at those that are opened meanwhile. */
  #wait(way: Way, come: () => void): () => void {
    const go = waitAtEach(way, () => {
      stop();
      come();
    });
    const stop = () => {
      this.#waiting.delete(go);
      go([]);
    };
    this.#waiting.add(go);
    go(this.fds);
    return stop;
  }

  #waitAt(fds: readonly number[]): void {
    for (const go of this.#waiting) go(fds);
  }

  #owns(path: string): boolean {
    return this.#inode !== undefined && lstatSync(path, { throwIfNoEntry: false })?.ino === this.#inode;
  }

  /** Itself, when its file could be given to whom it is for. */
  #owned(): this {
    const { path, owner, group } = this.spec;
    try {
      if (path !== null) lchownSync(path, owner ?? -1, group ?? -1);
      return this;
    } catch (error) {
      this.close();
      throw error;
    }
  }
}

function addressOf({ path, host = '', port }: { path?: string | null; host?: string; port?: number }): string {
  return path ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

async function requestFor(spec: SocketSpec): Promise<BindRequest> {
  const family = spec.path === null ? spec.family : 'AF_UNIX';
  const protocol = spec.proto === null ? 0 : protocols[spec.proto.toLowerCase()];
  if (protocol === undefined) throw new Error(`"${spec.proto}" is not a known protocol`);
  const address = await resolveAddress({ ...spec, family });
  return { ...spec, family, address, protocol, reusePort: spec.so_reuseport, device: spec.interface };
}

/** Binds; with sockets that are about to go it shares the port for a while. */
function bindBeside(request: BindRequest, leaving: readonly Socket[]): number {
  const others = leaving.filter(({ spec }) => spec.path === null);
  try {
    return native.bindSocket(request);
  } catch (error) {
    if ((error as Error).cause !== constants.errno.EADDRINUSE || others.length === 0) throw error;
    for (const fd of others.flatMap(({ fds }) => fds)) native.sharePort(fd, true);
    const fd = native.bindSocket({ ...request, reusePort: true });
    native.sharePort(fd, request.reusePort);
    return fd;
  }
}

/** Makes a socket of ours from one that somebody else has bound; where it is bound, it stays. */
function adopt(fd: number, request: BindRequest): number {
  const { family } = native.boundTo(fd);
  if (!native.isOfType(fd, request.type) || (family === 'AF_UNIX') !== (request.family === 'AF_UNIX'))
    throw new Error(`what was handed over, of ${family}, is not of ${request.family} and ${request.type}`);
  if (request.reusePort) native.sharePort(fd, true);
  native.listenOn(fd, request);
  setBlocking(fd, request.blocking);
  return fd;
}

async function resolveAddress({ family, path, host, port }: SocketSpec): Promise<Address> {
  if (path !== null) {
    if (!native.isSocketPath(path)) throw new Error('the path is too long for a socket (107 bytes)');
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
