/**
 * Loaded into a Node program before its first line (`circusd/listen`): `listen` on the address of an inherited socket
 * means that socket. Everything else is as without it.
 */
import cluster from 'node:cluster';
import { Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { choose, wishOf } from './choice.js';
import { drainAt } from './drain.js';
import { inheritance, isThere, variable, type Inherited } from './inherited.js';

type Listen = (this: Server, ...args: unknown[]) => Server;

const { sockets, signal, option } = inheritance(process.env);
const taken = new Set<Inherited>();

/** What this process starts from now on is as without us: the sockets are this process's. */
function forget(): void {
  delete process.env[variable];
  const rest = process.env['NODE_OPTIONS']?.replaceAll(option, '').trim();
  if (rest) process.env['NODE_OPTIONS'] = rest;
  else delete process.env['NODE_OPTIONS'];
}

const warn = (why: string) => process.emitWarning(why, { type: 'CircusWarning' });

/** The inherited socket that these arguments of `listen` mean. */
function meant(args: readonly unknown[]): Inherited | undefined {
  // A worker of Node's own cluster asks its primary, where this is loaded too.
  const wish = cluster.isWorker ? undefined : wishOf(args);
  const choice = wish && choose(wish, sockets);
  if (!choice) return undefined;
  if ('unclear' in choice) {
    warn(choice.unclear);
    return undefined;
  }
  const { socket } = choice;
  const isHere = isThere(socket);
  if (isHere && !taken.has(socket)) return socket;
  if (!isHere && taken.has(socket))
    warn(`the server that listened on "${socket.name}" was closed, so this process has that socket no more`);
  return undefined;
}

function patch(): void {
  const original = Reflect.get(Server.prototype, 'listen') as Listen;
  const listen: Listen = function (...args) {
    const socket = meant(args);
    if (!socket) return original.apply(this, args);
    taken.add(socket);
    forget();
    if (signal !== null) drainAt(signal, this);
    const abort = (Object(args[0]) as { readonly signal?: unknown }).signal;
    const where = { fd: socket.fd, ...(abort !== undefined && { signal: abort }) };
    // The number of clients that may wait is said again at each listen.
    original.call(
      this,
      where,
      socket.backlog ?? undefined,
      args.findLast((arg) => typeof arg === 'function'),
    );
    // What `address()` tells: Node does not ask the system for that of a Unix socket.
    if (socket.path !== null) Object.assign(this, { _pipeName: socket.path });
    return this;
  };
  Object.defineProperty(Server.prototype, 'listen', { value: listen, writable: true, configurable: true });
}

if (isMainThread && sockets.length > 0) patch();
