/** Files of variables in the syntax of dotenv: comments, quotes, `export`, and double quotes over several lines. */
import { resolve, dirname } from 'node:path';
import { readText } from './file.js';
import type { IniOption } from './ini.js';
import type { Variable } from './layer.js';
import type { Problem } from './problem.js';

/** What a file of variables says. */
export interface EnvFile {
  readonly variables: readonly Variable[];
  readonly problems: readonly Problem[];
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** Reads the text of a file of variables; a line that cannot be read is an error, the others still count. */
export function parseEnvFile(text: string, file: string): EnvFile {
  const variables: Variable[] = [];
  const problems: Problem[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const place = { file, line: at + 1 };
    const refuse = (column: number, message: string): void =>
      void problems.push({ severity: 'error', ...place, column, message });
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [head, key] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=[^\S\n]*/.exec(line) ?? [];
    if (head === undefined || key === undefined) {
      // Not what it says: the file may be one that was never meant to be read here.
      refuse(line.search(/\S/) + 1, 'this line is not NAME=value and is ignored');
      continue;
    }
    const column = head.length + 1;
    const rest = line.slice(head.length);
    const quote = /^["']/.exec(rest)?.[0];
    if (quote === undefined) {
      variables.push({ key, value: rest.replace(/(?:^|\s+)#.*$/s, '').trim(), ...place, column, kind: 'file' });
      continue;
    }
    const whole = [rest, ...lines.slice(at + 1)].join('\n');
    const end = endOf(whole, quote);
    if (end < 0) {
      refuse(column, `the quote that "${key}" begins with has no end, so the variable is ignored`);
      continue;
    }
    const inside = whole.slice(1, end);
    at += inside.split('\n').length - 1;
    const after = whole.slice(end + 1).split('\n', 1)[0]!;
    if (!/^\s*(?:#.*)?$/.test(after)) refuse(column, `what follows the quotes of "${key}" is ignored`);
    if (quote === "'") variables.push({ key, value: inside, ...place, column, kind: 'literal' });
    else {
      const unescape = (dollar: string): string =>
        inside.replace(/\\([nrt"\\$])/g, (_, char: string) => (char === '$' ? dollar : (escapes[char] ?? char)));
      variables.push({ key, value: unescape('$'), forShell: unescape('$$'), ...place, column, kind: 'file' });
    }
  }
  return { variables, problems };
}

function endOf(text: string, quote: string): number {
  for (let at = 1; at < text.length; at++) {
    if (quote === '"' && text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** The paths in an `env_file`, absolute, relative to the file that says it; one after a `-` may be missing. */
export function envFilePaths(
  { file }: IniOption,
  text: string,
): readonly { readonly path: string; readonly optional: boolean }[] {
  return text
    .split(/\s+/)
    .filter((word) => word !== '' && word !== '-')
    .map((word) => ({ path: resolve(dirname(file), word.replace(/^-/, '')), optional: word.startsWith('-') }));
}

/** Reads files of variables, of which later ones override earlier ones; each file is read once for as long as `known` is kept. */
export function readEnvFiles(option: IniOption, text: string, known: Map<string, EnvFile>): EnvFile {
  const all = envFilePaths(option, text).map(({ path, optional }) => {
    const before = known.get(path);
    if (before) return before;
    const read = readText(path, option, `the file of variables "${path}"`);
    const missing = typeof read !== 'string' && optional && read.message.endsWith('does not exist');
    if (missing) return { variables: [], problems: [] };
    if (typeof read !== 'string') return { variables: [], problems: [{ ...read, key: option.key }] };
    const parsed = parseEnvFile(read, path);
    known.set(path, parsed);
    return parsed;
  });
  return {
    variables: all.flatMap(({ variables }) => variables),
    problems: all.flatMap(({ problems }) => problems),
  };
}
