/** Which watchers a name or pattern means: glob, simple or regex, as in Circus (circus-compat §3.5). */
import { Script } from 'node:vm';
import type { Arbiter, Watcher } from '#core';
import { globToRegExp } from '../glob.js';
import { nearest } from '../nearest.js';
import { RequestError, watcherNotFound } from './protocol.js';

/** A longer pattern is none that a person wrote. */
const longestPattern = 1024;
/** How long all names may take to be compared with a pattern, in ms: a regex can take longer than the world has left. */
const patience = 100;
/** In a script, as only those can be interrupted: the pattern is compiled in it too. */
const filter = new Script('const regex = new RegExp(source, flags); names.map((name) => regex.test(name))');

/** True for a pattern that can mean one name only. */
const isPlain = (pattern: string, method: unknown) =>
  method === 'simple' || (method === 'glob' && !/[*?[]/.test(pattern));

/** For each name, in lower case, whether the pattern means it. @throws RequestError */
function compare(pattern: string, method: unknown, names: readonly string[]): readonly boolean[] {
  const lower = pattern.toLowerCase();
  if (isPlain(pattern, method)) return names.map((name) => name === lower);
  if (method !== 'glob' && method !== 'regex') throw new RequestError(3, `unknown match method ${String(method)}`);
  if (pattern.length > longestPattern)
    throw new RequestError(5, `a pattern of more than ${longestPattern} characters is not compared with names`);
  try {
    const { source, flags } = method === 'glob' ? globToRegExp(lower) : { source: `^(?:${pattern})`, flags: 'i' };
    return filter.runInNewContext({ source, flags, names }, { timeout: patience }) as readonly boolean[];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isLate = code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    const reason = isLate ? `it takes more than ${patience} ms to compare the pattern with the names` : message;
    throw new RequestError(5, reason, { cause: error });
  }
}

/** Those that a pattern means, at least one. @throws RequestError */
export function matching<T extends { readonly name: string }>(
  all: readonly T[],
  pattern: string,
  method: unknown = 'glob',
): readonly T[] {
  const means = compare(
    pattern,
    method,
    all.map(({ name }) => name.toLowerCase()),
  );
  const found = all.filter((_, at) => means[at]);
  if (found.length === 0) throw notFound(pattern, isPlain(pattern, method) ? all : []);
  return found;
}

/** The watcher of exactly this name, without regard to case. @throws RequestError with the nearest name */
export function named(arbiter: Arbiter, name: string): Watcher {
  const watcher = arbiter.find(name);
  if (!watcher) throw notFound(name, arbiter.watchers);
  return watcher;
}

/** That there is no such watcher, in Circus's words, and as a hint the name that was probably meant. */
export function notFound(name: string, watchers: readonly { readonly name: string }[]): RequestError {
  const names = watchers.map((one) => one.name);
  const meant = nearest(name, names);
  return watcherNotFound(name, meant === undefined ? undefined : `did you mean "${meant}"?`);
}
