/** Which watchers a name or pattern means: glob, simple or regex, as in Circus (circus-compat §3.5). */
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

function tester(pattern: string, method: unknown): (lowerName: string) => boolean {
  switch (method) {
    case 'glob': {
      const glob = globToRegExp(pattern.toLowerCase());
      return (name) => glob.test(name);
    }
    case 'simple':
      return (name) => name === pattern.toLowerCase();
    case 'regex': {
      let regex: RegExp;
      try {
        regex = new RegExp(`^(?:${pattern})`, 'i');
      } catch (error) {
        throw new RequestError(5, (error as Error).message, { cause: error });
      }
      return (name) => regex.test(name);
    }
    default:
      throw new RequestError(3, `unknown match method ${String(method)}`);
  }
}

/** The watchers that a pattern means, at least one. @throws RequestError */
export function matching(arbiter: Arbiter, pattern: string, method: unknown = 'glob'): readonly Watcher[] {
  const test = tester(pattern, method);
  const found = arbiter.watchers.filter(({ name }) => test(name.toLowerCase()));
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
