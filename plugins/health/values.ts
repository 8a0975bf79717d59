/** What the texts of the keys mean: patterns, states of HTTP, addresses. */
import { expand, splitWords, reasonOf, type Environment, type SocketSpec } from '#core';
import * as v from 'valibot';

/** Where something is asked: a port of a host, or a Unix socket; with a path for HTTP. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** The file of a Unix socket, in place of the two. */
  readonly socketPath: string | undefined;
  readonly secure: boolean;
  readonly path: string;
}

/** A regular expression. */
export const pattern = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return new RegExp(dataset.value, 'mu');
    } catch (error) {
      addIssue({ message: reasonOf(error) });
      return NEVER;
    }
  }),
);

/** States of HTTP, such as `200`, `200-299, 404`; the output tells whether one is among them. */
export const statuses = v.pipe(
  v.union([v.string(), v.pipe(v.number(), v.transform(String))]),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const ranges = dataset.value.split(',').map((part) => /^\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?$/.exec(part));
    if (ranges.every((range) => range !== null && Number(range[1]) <= Number(range[2] ?? range[1])))
      return (status: number) =>
        ranges.some((range) => status >= Number(range![1]) && status <= Number(range![2] ?? range![1]));
    addIssue({ message: `"${dataset.value}" is no list of states such as 200 or 200-299` });
    return NEVER;
  }),
);

/** Fills in `$(circus.wid)` and `$(circus.env.NAME)`. */
export function fillIn(text: string, wid: number, env: Environment): string {
  return expand(text, (name) => {
    if (name === 'wid') return String(wid);
    const own = Object.keys(env).find((key) => name === `env.${key.toLowerCase()}`);
    return own === undefined ? undefined : env[own];
  });
}

/** Reads `http://HOST:PORT/PATH`, also with https, or `http://unix:FILE:/PATH`. @throws Error that goes on after the key */
export function readUrl(text: string): Address {
  const unix = /^http:\/\/unix:(\/[^:]+)(?::(\/.*))?$/.exec(text);
  if (unix) return { host: 'localhost', port: 80, socketPath: unix[1], secure: false, path: unix[2] ?? '/' };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || /[\s$]/.test(text))
    throw new Error(
      `is "${text}", and must be an address such as http://127.0.0.1:8000/up or http://unix:/run/web.sock:/up`,
    );
  const secure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  return { host, port, socketPath: undefined, secure, path: url.pathname + url.search };
}

/** Reads `HOST:PORT`, `PORT` or `unix:FILE`. @throws Error that goes on after the key */
export function readAddress(text: string): Address {
  const unix = /^unix:(\/.+)$/.exec(text);
  const [, host = '127.0.0.1', digits] = /^(?:(?:tcp:\/\/)?(\[[^\]]+\]|[^\s:[\]$]+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (!unix && !(port > 0 && port < 65_536))
    throw new Error(`is "${text}", and must be an address such as 127.0.0.1:8000 or unix:/run/web.sock`);
  return { host: host.replace(/^\[|\]$/g, ''), port, socketPath: unix?.[1], secure: false, path: '' };
}

/** The words of a command. @throws Error that goes on after the key */
export function readWords(text: string): readonly [string, ...string[]] {
  try {
    const [command, ...args] = splitWords(text);
    return [command!, ...args];
  } catch (error) {
    throw new Error(`can't be read: ${reasonOf(error)}`, { cause: error });
  }
}

const anyHost = (host: string) => /^(|0\.0\.0\.0|::|\*)$/.test(host);
const plainHost = (host: string) => host.toLowerCase().replace(/^(localhost|::1)$/, '127.0.0.1');

/** The socket that listens at an address; undefined when none of these does. */
export function socketAt({ host, port, socketPath }: Address, sockets: readonly SocketSpec[]): SocketSpec | undefined {
  return sockets.find((socket) => {
    if (socketPath !== undefined || socket.path !== null) return socket.path === socketPath;
    return (
      socket.port === port && (anyHost(socket.host) || anyHost(host) || plainHost(socket.host) === plainHost(host))
    );
  });
}
