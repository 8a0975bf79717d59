/** Which inherited socket a program means when it says where it wants to listen. */
import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import type { Inherited } from './inherited.js';

/** Where a program wants to listen. */
export type Wish = { readonly path: string } | { readonly port: number; readonly host: string | undefined };

/** The socket, or why none can be told. */
export type Choice = { readonly socket: Inherited } | { readonly unclear: string } | undefined;

/** Hosts that mean the same. */
const classes: Readonly<Record<string, string>> = {
  '': 'any',
  '*': 'any',
  '0.0.0.0': 'any',
  '::': 'any',
  localhost: 'loopback',
  '127.0.0.1': 'loopback',
  '::1': 'loopback',
};

/** One spelling of a host. */
function plain(host: string): string {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return isIPv6(bare) ? new URL(`http://[${bare}]`).hostname.slice(1, -1) : bare;
}

const classOf = (host: string) => classes[plain(host)] ?? plain(host);
const called = ({ name, host, port }: Inherited) => `"${name}" (${host}:${port})`;

/**
 * Chooses among the sockets. No host, and every host, means the one socket of this port, whatever its host; a host means
 * the socket of this host. Undefined: none has this port or path, so the program listens by itself.
 */
export function choose(wish: Wish, sockets: readonly Inherited[]): Choice {
  if ('path' in wish) {
    const socket = sockets.find(({ path }) => path === resolve(wish.path));
    return socket && { socket };
  }
  const { port, host = '' } = wish;
  const all = sockets.filter((socket) => socket.path === null && socket.port === port);
  if (all.length === 0) return undefined;
  const alike = all.filter((socket) => classOf(socket.host) === classOf(host));
  const same = alike.filter((socket) => plain(socket.host) === plain(host));
  const fit = alike.length === 1 ? alike : same.length === 1 ? same : classOf(host) === 'any' ? all : alike;
  if (fit.length === 1) return { socket: fit[0]! };
  const where = `listen on ${host === '' ? 'port ' : `${host}:`}${port}`;
  return fit.length > 1
    ? { unclear: `${where} may mean ${fit.map(called).join(' or ')}: give it the host of one of them` }
    : { unclear: `${where} is not ${all.map(called).join(' or ')}: give the socket the same host` };
}

const portOf = (value: unknown): number | undefined => {
  const port = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port > 0 ? port : undefined;
};

/** What the arguments of `net.Server.listen` ask for; undefined where it is nothing that could be inherited. */
export function wishOf([first, second]: readonly unknown[]): Wish | undefined {
  if (typeof first === 'object' && first !== null) {
    const { fd, port, host, path, _handle } = first as Readonly<Record<string, unknown>>;
    if (fd !== undefined || _handle !== undefined) return undefined;
    if (port === undefined || port === null) return typeof path === 'string' ? { path } : undefined;
    const number = portOf(port);
    return number === undefined ? undefined : { port: number, host: typeof host === 'string' ? host : undefined };
  }
  const port = portOf(first);
  if (port !== undefined) return { port, host: typeof second === 'string' ? second : undefined };
  return typeof first === 'string' && Number.isNaN(Number(first)) ? { path: first } : undefined;
}
