/** Variables as a shell writes them, `${NAME:-default}` and its like, in texts that ask for it by `expand = shell`. */
import { expand } from '#core';
import type { Lookup } from './expand.js';
import type { Problem } from './problem.js';

/** Where a text is filled in from. */
export interface Filling {
  readonly lookup: Lookup;
  /** Where Circus's own `$NAME` is looked up; without it that stays as it is. */
  readonly daemon?: (name: string) => string | undefined;
  /** Hears of variables that are not set, and of what cannot be read; an error when the text is of no use then. */
  readonly report: (severity: Problem['severity'], message: string) => void;
}

const mark = /\$\$|\$\{|\$\(circus\.[\w.-]+\)|\(\(circus\.[\w.-]+\)\)|\$(?=[A-Z])/i;
/** How often defaults may stand in one another. */
const deepest = 20;
const capitals = /^[A-Z][A-Z0-9_]*/;

/**
 * Fills in `${NAME}`, `${NAME:-default}`, `${NAME:?message}` (without the colon: also an empty value counts), and
 * Circus's own `$(circus.env.NAME)`; `$$` is a dollar. What was filled in is not looked at again.
 */
export function fillShell(text: string, filling: Filling, depth = 0): string {
  let output = '';
  let rest = text;
  for (;;) {
    const found = mark.exec(rest);
    if (!found) return output + rest;
    const [written] = found;
    output += rest.slice(0, found.index);
    rest = rest.slice(found.index);
    let used = written.length;
    if (written === '$$') output += '$';
    else if (written === '${') {
      const end = endOf(rest);
      used = end + 1 || rest.length;
      output += end < 0 || depth > deepest ? unreadable(rest, filling) : valueOf(rest.slice(2, end), filling, depth);
    } else if (written === '$') {
      const name = filling.daemon === undefined ? undefined : capitals.exec(rest.slice(1))?.[0];
      output += name === undefined ? '$' : (filling.daemon!(name) ?? '');
      used += name?.length ?? 0;
    } else output += withLookup(written, filling.lookup);
    rest = rest.slice(used);
  }
}

/** The names that a text refers to as a shell does. */
export function shellNames(text: string): readonly string[] {
  const names: string[] = [];
  const lookup: Lookup = (name, exact) => void (exact && names.push(name));
  fillShell(text, { lookup, report: () => undefined });
  return names;
}

/** Writes a text so that `fillShell` gives it back; Circus's variables stay what they are. */
export function escapeShell(text: string): string {
  return text.replace(/\$(?!\(circus\.[\w.-]+\))/gi, '$$$$');
}

function withLookup(text: string, lookup: Lookup): string {
  return expand(text, (name) => (name.startsWith('env.') ? lookup(name.slice(4)) : undefined));
}

/** Where the brace closes that a text begins with; braces of variables inside belong together. */
function endOf(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '$' && text[at + 1] === '$') at++;
    else if (text[at] === '$' && text[at + 1] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

function valueOf(inside: string, filling: Filling, depth: number): string {
  const [, name, operator = '', word = ''] = /^([A-Za-z_]\w*)(?:(:?[-?])(.*))?$/s.exec(inside) ?? [];
  if (name === undefined) return unreadable(`\${${inside}}`, filling);
  const value = filling.lookup(name, true);
  if (value !== undefined && (value !== '' || !operator.startsWith(':'))) return value;
  if (operator.endsWith('-')) return fillShell(word, filling, depth + 1);
  if (operator.endsWith('?')) {
    filling.report(
      'error',
      `needs variable "${name}", which is ${value === undefined ? 'not set' : 'empty'}${word === '' ? '' : `: ${word}`}`,
    );
  } else if (value === undefined) {
    filling.report(
      'warning',
      `has nothing for "\${${name}}", because that is not set: write "\${${name}:-}" if it may be missing`,
    );
  }
  return '';
}

function unreadable(text: string, { report }: Filling): string {
  const shown = text.length > 30 ? `${text.slice(0, 27)}...` : text;
  report('error', `has ${JSON.stringify(shown)}, which is no variable: write "$$" for a dollar`);
  return text;
}
