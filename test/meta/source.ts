/** Reads TypeScript as far as the rules of the house need it: words, strings, imports and lines of code. */
import { readdirSync, readFileSync } from 'node:fs';
import { inRoot } from '../support/paths.js';

/** One token; `string` and `template` without their quotes, `punctuation` one sign at a time. */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'pattern' | 'punctuation';
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** One import of another module, also by `export from` and `import()`. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** Nothing of it is left at run time. */
  readonly onlyTypes: boolean;
  /** By `import()`: when it is needed, not when the file is loaded. */
  readonly late: boolean;
}

const blank = /\s+/y;
const comment = /\/\/[^\n]*|\/\*[^]*?\*\//y;
const word = /[\p{L}\p{N}_$#]+/uy;
const quoted = /'(?:[^'\\\n]|\\[^])*'|"(?:[^"\\\n]|\\[^])*"/y;
const pattern = /\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** After these words a slash begins a regular expression; after any other word it divides. */
const beforePattern = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'do',
  'else',
  'void',
  'await',
  'yield',
  'throw',
]);

/** Splits a source into its tokens; comments are none. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open template literal, how many braces are open in its current `${}`. */
  const braces: number[] = [];
  let at = 0;
  let line = 1;

  const add = (kind: Token['kind'], text: string) => tokens.push({ kind, text, line });
  const take = (expression: RegExp): string | undefined => {
    expression.lastIndex = at;
    const [found] = expression.exec(source) ?? [];
    return found;
  };
  const pass = (text: string) => {
    at += text.length;
    for (const sign of text) if (sign === '\n') line++;
  };
  const dividesHere = () => {
    const last = tokens.at(-1);
    if (!last) return false;
    return last.kind === 'word'
      ? !beforePattern.has(last.text)
      : last.kind !== 'punctuation' || ')]}'.includes(last.text);
  };
  /** The text of a template literal up to its end or its next `${`. */
  const template = () => {
    const text = /(?:[^`\\$]|\\[^]|\$(?!\{))*/y;
    const found = take(text) ?? '';
    add('template', found);
    pass(found);
    if (source.startsWith('${', at)) {
      braces.push(0);
      at += 2;
    } else {
      at += 1;
    }
  };

  while (at < source.length) {
    const skipped = take(blank) ?? take(comment);
    if (skipped !== undefined) {
      pass(skipped);
      continue;
    }
    const string = take(quoted);
    const name = string === undefined ? take(word) : undefined;
    const regular = source[at] === '/' && !dividesHere() ? take(pattern) : undefined;
    const sign = source[at]!;
    if (string !== undefined) {
      add('string', string.slice(1, -1));
      pass(string);
    } else if (name !== undefined) {
      add('word', name);
      pass(name);
    } else if (regular !== undefined) {
      add('pattern', regular);
      pass(regular);
    } else if (sign === '`') {
      at += 1;
      template();
    } else if (sign === '}' && braces.at(-1) === 0) {
      braces.pop();
      at += 1;
      template();
    } else {
      if (braces.length > 0 && (sign === '{' || sign === '}')) braces[braces.length - 1]! += sign === '{' ? 1 : -1;
      add('punctuation', sign);
      at += 1;
    }
  }
  return tokens;
}

/** Everything that a source imports, in its order. */
export function importsOf(source: string): Import[] {
  const tokens = tokensOf(source);
  const is = (token: Token | undefined, text: string) =>
    token?.text === text && (token.kind === 'word' || token.kind === 'punctuation');
  return tokens.flatMap((token, at) => {
    const [before, next, after] = [tokens[at - 1], tokens[at + 1], tokens[at + 2]];
    if (is(before, '.') || !(is(token, 'import') || is(token, 'export') || is(token, 'require'))) return [];
    const late = is(next, '(');
    const found = (name: Token | undefined, onlyTypes: boolean): Import[] =>
      name?.kind === 'string' ? [{ from: name.text, line: token.line, onlyTypes, late }] : [];
    if (late) return is(token, 'export') ? [] : found(after, is(before, ':') || is(before, 'typeof'));
    if (is(token, 'require')) return [];
    if (is(token, 'import') && next?.kind === 'string') return found(next, false);
    const type = is(next, 'type') && !is(after, 'from') && !is(after, ',');
    const clause = tokens.slice(at + (type ? 2 : 1));
    const length = clause.findIndex(
      (part) => !(part.kind === 'word' || '{},*'.includes(part.text)) || is(part, 'from'),
    );
    if (length < 1 || !is(clause[length], 'from')) return [];
    return found(clause[length + 1], type || onlyTypes(clause.slice(0, length)));
  });
}

/** True for `{ type A, type B }`, of which the compiler leaves nothing but the import itself. */
function onlyTypes(clause: readonly Token[]): boolean {
  const text = clause.map((token) => token.text).join(' ');
  const names = /^\{(.*)\}$/.exec(text)?.[1]?.split(',');
  const written = names?.map((name) => name.trim()).filter(Boolean) ?? [];
  return written.length > 0 && written.every((name) => name.startsWith('type '));
}

/** How many lines hold code: not those with nothing, or only a comment. */
export function codeLines(source: string): number {
  const lines = new Set<number>();
  for (const { kind, text, line } of tokensOf(source)) {
    const height = kind === 'template' ? text.split('\n').length : 1;
    for (let row = 0; row < height; row++) lines.add(line + row);
  }
  return lines.size;
}

/** The TypeScript files below a folder of the repository, as paths from its root. */
export function sourceFiles(folder: string): string[] {
  const names = readdirSync(inRoot(folder), { recursive: true }).map((name) => `${folder}/${String(name)}`);
  return names.filter((name) => name.endsWith('.ts') && !name.includes('/node_modules/')).sort();
}

export const read = (file: string): string => readFileSync(inRoot(file), 'utf8');
