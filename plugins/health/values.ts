/** What the texts of the keys mean: patterns, states of HTTP, commands, and which socket an address is that of. */
import { expand, splitWords, reasonOf, type Environment, type SocketSpec } from '#core';
import * as v from 'valibot';
import type { Address } from '../address.js';

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
