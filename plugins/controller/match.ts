/** Which watchers a name or pattern means: glob, simple or regex, as in Circus (circus-compat §3.5). */
import { Script } from 'node:vm';
import type { Arbiter, Watcher } from '#core';
import { globToRegExp } from '../glob.js';
import { RequestError, watcherNotFound } from './protocol.js';

/** A longer pattern is none that a person wrote. */
const longestPattern = 1024;
/** How long all names may take to be compared with a pattern, in ms: a regex can take longer than the world has left. */
const patience = 100;
/** In a script, as only those can be interrupted: the pattern is compiled in it too. */
const filter = new Script('const regex = new RegExp(source, flags); names.map((name) => regex.test(name))');

/** For each name, in lower case, whether the pattern means it. @throws RequestError */
function compare(pattern: string, method: unknown, names: readonly string[]): readonly boolean[] {
  const lower = pattern.toLowerCase();
  if (method === 'simple' || (method === 'glob' && !/[*?[]/.test(pattern))) return names.map((name) => name === lower);
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

/** The watchers that a pattern means, at least one. @throws RequestError */
export function matching(arbiter: Arbiter, pattern: string, method: unknown = 'glob'): readonly Watcher[] {
  const { watchers } = arbiter;
  const means = compare(
    pattern,
    method,
    watchers.map(({ name }) => name.toLowerCase()),
  );
  const found = watchers.filter((_, at) => means[at]);
  if (found.length === 0) throw watcherNotFound(pattern);
  return found;
}

/** The watcher of exactly this name, without regard to case. @throws RequestError */
export function named(arbiter: Arbiter, name: string): Watcher {
  const watcher = arbiter.find(name);
  if (!watcher) throw watcherNotFound(name);
  return watcher;
}
