/** Shell wildcards as Python's `fnmatch` and `glob` read them: `*`, `?`, `[seq]`, `[!seq]`; case matters. */
import { existsSync, readdirSync } from 'node:fs';
import { byCodePoint } from './text.js';

const compiled = new Map<string, RegExp>();

/** True when the whole name matches the pattern. */
export function matches(name: string, pattern: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) compiled.set(pattern, (expression = compile(pattern)));
  return expression.test(name);
}

/** True for a pattern that can match more than its own text. */
export function hasWildcard(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/**
 * The existing paths that a pattern names, sorted; wildcards work in every segment, `**` is `*`, and names that begin
 * with a dot must be asked for with a dot. Folders that cannot be read hold nothing.
 */
export function findPaths(pattern: string): string[] {
  const root = pattern.startsWith('/') ? '/' : '';
  let paths = [root];
  for (const segment of pattern.split('/').filter((part) => part !== '')) {
    paths = paths.flatMap((path) => {
      const names = hasWildcard(segment) ? namesIn(path || '.').filter((name) => fits(name, segment)) : [segment];
      return names.map((name) => (path === '' || path === '/' ? `${path}${name}` : `${path}/${name}`));
    });
  }
  return paths.filter((path) => existsSync(path)).sort(byCodePoint);
}

function fits(name: string, segment: string): boolean {
  return name.startsWith('.') === segment.startsWith('.') && matches(name, segment);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function compile(pattern: string): RegExp {
  const chars = Array.from(pattern);
  let source = '';
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      // A bracket in first place belongs to the set; a set without an end is a plain bracket.
      const first = chars[at + 1] === '!' ? at + 2 : at + 1;
      const end = chars.indexOf(']', first + 1);
      source += end < 0 ? '\\[' : set(chars.slice(first, end), first === at + 2);
      if (end >= 0) at = end;
    } else source += literal(char);
  }
  return new RegExp(`^${source}$`, 'su');
}

function set(chars: readonly string[], negated: boolean): string {
  let members = '';
  for (let at = 0; at < chars.length; at++) {
    const from = chars[at]!;
    const to = chars[at + 1] === '-' ? chars[at + 2] : undefined;
    if (to === undefined) members += literal(from);
    else {
      if (from.codePointAt(0)! <= to.codePointAt(0)!) members += `${literal(from)}-${literal(to)}`;
      at += 2;
    }
  }
  return `[${negated ? '^' : ''}${members}]`;
}

function literal(char: string): string {
  return `\\u{${char.codePointAt(0)!.toString(16)}}`;
}
