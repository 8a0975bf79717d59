/** Command lines in the dialect: words and shell texts that read back as they were, whatever is in them. */
import { quoteWord, splitWords } from '#core';
import { isBlank, strip } from '../config/text.js';

// Characters that no text may hold by Unicode's own rule, around the name of a variable that circusd is to fill in.
const open = '\uFDD0';
const close = '\uFDD1';
/** What circusd would take for a variable although the source means the letters. */
const accidental = /(\$\(|\(\()(c)(ircus\.)/gi;

/** A variable that circusd fills in, such as `env.HOME` or `wid`, to be put into a text. */
export function reference(name: string): string {
  return `${open}${name}${close}`;
}

/** True for a text with a variable in it that circusd is to fill in. */
export function hasReference(text: string): boolean {
  return text.includes(open);
}

/** Writes the variables of a text as people see them: `$(circus.env.HOME)`. */
export function withReferences(text: string): string {
  return text.replaceAll(open, '$(circus.').replaceAll(close, ')');
}

/** A value as the dialect reads it back; undefined when it has no way to write it. */
export function encodeValue(text: string): string | undefined {
  if (text === '') return '""';
  const [first = '', ...rest] = text.split('\n');
  if (text === '""' || /[\r\0]/.test(text) || new RegExp(accidental).test(text)) return undefined;
  if ([first, ...rest].some((line) => line === '' || line !== strip(line))) return undefined;
  const comment = first.indexOf(';');
  if (comment >= 0 && isBlank(first.at(comment - 1)!)) return undefined;
  return withReferences([first, ...rest].join('\n    '));
}

/** Words as a `cmd`, quoted so that they are read back the same; undefined when one has a NUL or a carriage return. */
export function encodeWords(words: readonly string[]): string | undefined {
  if (words.some((word) => /[\r\0]/.test(word))) return undefined;
  // Only the first semicolon of the first line can begin a comment.
  const at = words.findIndex((word) => /[;\n]/.test(word));
  const text = words.map((word, index) => quote(word, index === at)).join(' ');
  return withReferences(text.replaceAll('\n', '\n    '));
}

/** A command line that its source splits into words as circusd does: kept as it is where that reads back the same. @throws for an open quote */
export function encodeCommand(text: string): string | undefined {
  const words = splitWords(text);
  return words.length === 0 ? undefined : (encodeValue(strip(text)) ?? encodeWords(words));
}

/** A word in quotes, which are closed and opened again wherever the dialect would change what is between them. */
function quote(word: string, isFirst: boolean): string {
  const single = quoteWord(word);
  const double = `"${word.replace(/["\\]/g, '\\$&')}"`;
  const isDouble = word.includes("'") && double.length < single.length;
  const again = isDouble ? '""' : "''";
  const lines = (isDouble ? double : single).replace(accidental, `$1$2${again}$3`).split('\n');
  const comment = lines[0]!.indexOf(';');
  if (isFirst && comment > 0 && isBlank(lines[0]![comment - 1]!))
    lines[0] = `${lines[0]!.slice(0, comment)}${again}${lines[0]!.slice(comment)}`;
  return lines
    .map((line, at) => {
      const before = at > 0 && (line === '' || isBlank(line[0]!)) ? again : '';
      const after = at < lines.length - 1 && line !== '' && isBlank(line.at(-1)!) ? again : '';
      return `${before}${line}${after}`;
    })
    .join('\n');
}

/** What a shell command becomes: words to run, and whether a shell stays between circusd and the program. */
export interface ShellCommand {
  readonly words: readonly string[];
  readonly wrapped: boolean;
}

const special = /[$`&|;<>()*?[\]{}~#!\\\n]|^\s*\w+=/;
const builtin =
  /^(?:\.|:|\[|!|\{|case|cd|eval|exec|export|for|if|set|source|test|trap|ulimit|umask|unset|until|while)(?:\s|$)/;

/** Runs a shell's command line: without a shell where none is needed, by a shell that gives way where it can. */
export function shellCommand(text: string): ShellCommand {
  const line = strip(text).replace(/^exec\s+/, '');
  const words = special.test(line) || builtin.test(line) ? undefined : balanced(line);
  if (words !== undefined) return { words, wrapped: false };
  const [, assignments = '', command = ''] =
    /^((?:\w+=(?:'[^']*'|"[^"]*"|[^\s'"])*(?:\s+|$))*)([^]*)$/.exec(line) ?? [];
  const single = !/[&|;()`\n]/.test(command.replace(/\d?[<>]&\d/g, '')) && command !== '' && !builtin.test(command);
  return { words: ['sh', '-c', single ? `${assignments}exec ${command}` : line], wrapped: !single };
}

function balanced(line: string): string[] | undefined {
  try {
    return splitWords(line);
  } catch {
    return undefined;
  }
}
