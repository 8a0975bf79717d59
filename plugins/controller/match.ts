/** Which watchers a name or pattern means: glob, simple or regex, as in Circus (circus-compat §3.5). */
import type { Arbiter, Watcher } from '#core';
import { RequestError } from './protocol.js';

/** Turns a shell pattern, as Python's fnmatch knows it, into a regular expression for a whole name. */
export function globToRegExp(glob: string): RegExp {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const char = glob[at]!;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      // A bracket that comes first stands for itself; without an end, so does the opening one.
      const end = glob.indexOf(']', at + (glob[at + 1] === '!' ? 3 : 2));
      if (end < 0) {
        source += '\\[';
        continue;
      }
      const inside = glob
        .slice(at + 1, end)
        .replaceAll('\\', '\\\\')
        .replaceAll('[', '\\[')
        .replaceAll(']', '\\]');
      source += `[${inside.replace(/^!/, '^').replace(/^\^(?=\^)/, '^\\')}]`;
      at = end;
    } else source += char.replace(/[\\^$.|+()[\]{}/-]/, '\\$&');
  }
  return new RegExp(`^(?:${source})$`, 's');
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
        throw new RequestError(5, `${(error as Error).message}`, { cause: error });
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
