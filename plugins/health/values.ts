/** What the texts of the keys mean: patterns, states of HTTP, commands, and which socket an address is that of. */
import { expand, splitWords, reasonOf, type Environment, type SocketSpec } from '#core';
import * as v from 'valibot';
import type { Address } from '../address.js';
import { isCommand, readCommand } from '../exec.js';
import { didYouMean } from '../nearest.js';
import { nearestSignal, signalNumber } from '../signal.js';

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

/** What is done about a process that is not alive: it is replaced at once or drained first, or somebody is told. */
export type Action =
  { readonly does: 'replace' | 'drain' | 'event' } | { readonly does: 'exec'; readonly words: readonly string[] };

/** What is done before it is replaced. */
export type Dump = { readonly words: readonly string[] } | { readonly signal: number };

const actions = ['replace', 'drain', 'event'] as const;

/** A text with a meaning. `read` throws what is wrong with it. */
const read = <T>(meaning: (text: string) => T) =>
  v.pipe(
    v.union([v.string(), v.pipe(v.number(), v.transform(String))]),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      try {
        return meaning(dataset.value.trim());
      } catch (error) {
        addIssue({ message: reasonOf(error) });
        return NEVER;
      }
    }),
  );

/** `replace`, `drain`, `event` or `exec:COMMAND`. */
export const actionOf = read((text): Action => {
  if (isCommand(text)) return { does: 'exec', words: readCommand(text) };
  const does = actions.find((one) => one === text.toLowerCase());
  if (does) return { does };
  throw new Error(`"${text}" is none of ${actions.join(', ')} and exec:COMMAND${didYouMean(text, actions)}`);
});

/** `exec:COMMAND`, or a signal that a process can do something about. */
export const dumpOf = read((text): Dump => {
  if (isCommand(text)) return { words: readCommand(text) };
  const signal = signalNumber(text);
  if (signal === undefined || signal < 1 || signal > 64)
    throw new Error(`"${text}" is neither exec:COMMAND nor a signal such as SIGUSR2${nearestSignal(text)}`);
  if (uncatchable.includes(signal)) throw new Error(`"${text}" is no signal that a process could do something about`);
  return { signal };
});

/** SIGKILL and SIGSTOP. */
const uncatchable: readonly number[] = [9, 19];

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
