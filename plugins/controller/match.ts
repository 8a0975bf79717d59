/** Which watchers a name or pattern means: glob, simple or regex, as in Circus (circus-compat §3.5). */
import { Script } from 'node:vm';
import type { Arbiter, Watcher } from '#core';
import { RequestError } from './protocol.js';

/** One character, where it stands for itself. */
const literal = (char: string) => char.replace(/[\\^$.|+*?()[\]{}]/, '\\$&');

/** The inside of a bracket as a class; ranges that run backwards hold nothing, as in Python. */
function characterClass(inside: string): string {
  const negated = inside.startsWith('!');
  const chars = [...(negated ? inside.slice(1) : inside)];
  let items = '';
  for (let at = 0; at < chars.length; at++) {
    const from = chars[at]!;
    const to = chars[at + 1] === '-' ? chars[at + 2] : undefined;
    if (to === undefined) items += from.replace(/[\\^\][-]/, '\\$&');
    else {
      if (from <= to) items += `${from.replace(/[\\^\][-]/, '\\$&')}-${to.replace(/[\\^\][-]/, '\\$&')}`;
      at += 2;
    }
  }
  return `[${negated ? '^' : ''}${items}]`;
}

/** Turns a shell pattern, as Python's fnmatch knows it, into a regular expression for a whole name. */
export function globToRegExp(glob: string): RegExp {
  const chars = [...glob];
  /** What lies between the stars. */
  const pieces = [''];
  const add = (source: string) => (pieces[pieces.length - 1] += source);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') pieces.push('');
    else if (char === '?') add('.');
    else if (char === '[') {
      // A bracket that comes first stands for itself; without an end, so does the opening one.
      const end = chars.indexOf(']', at + (chars[at + 1] === '!' ? 3 : 2));
      if (end < 0) add('\\[');
      else {
        add(characterClass(chars.slice(at + 1, end).join('')));
        at = end;
      }
    } else add(literal(char));
  }
  const [first, ...middle] = pieces;
  const last = middle.pop();
  if (last === undefined) return new RegExp(`^${first}$`, 'su');
  // A star that has taken the shortest text up to the next piece never has to be looked at again: no pattern is slow.
  const taken = middle.map((piece, at) => (piece === '' ? '' : `(?=(?<s${at}>.*?${piece}))\\k<s${at}>`));
  return new RegExp(`^${first}${taken.join('')}.*${last}$`, 'su');
}

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
  if (found.length === 0) throw notFound(pattern);
  return found;
}

/** The watcher of exactly this name, without regard to case. @throws RequestError */
export function named(arbiter: Arbiter, name: string): Watcher {
  const watcher = arbiter.find(name);
  if (!watcher) throw notFound(name);
  return watcher;
}

const notFound = (name: string) => new RequestError(3, `program ${name} not found`);
