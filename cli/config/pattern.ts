/** Shell wildcards as Python's `fnmatch` and `glob` read them: `*`, `?`, `[seq]`, `[!seq]`; case matters. */
import { existsSync, readdirSync } from 'node:fs';
import { globToRegExp } from '#plugins/glob.js';
import { byCodePoint } from './text.js';

const compiled = new Map<string, RegExp>();

/** True when the whole name matches the pattern. */
export function matches(name: string, pattern: string): boolean {
  let expression = compiled.get(pattern);
  if (expression === undefined) compiled.set(pattern, (expression = globToRegExp(pattern)));
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
