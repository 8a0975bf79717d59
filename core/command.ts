/**
 * From the command line of a watcher to the words that a process runs: `$(circus.x)` variables and shell-like
 * splitting, both as in Circus (expansion stage F and `shlex`).
 */
import { CircusError } from './errors.js';

/** Not all that Unicode calls a space: a file name may hold those. */
const blanks = ' \t\r\n';
const variable = /\$\(circus\.([\w.-]+)\)|\(\(circus\.([\w.-]+)\)\)/gi;

/**
 * Fills in `$(circus.NAME)` and `((circus.NAME))`; names match without regard to case, unknown ones stay as they are.
 * `lookup` gets the lower-cased name without `circus.` and answers undefined for an unknown one.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  const value = (whole: string, dollar?: string, parens = '') => lookup((dollar ?? parens).toLowerCase()) ?? whole;
  return text.replace(variable, value);
}

/**
 * Splits as a POSIX shell splits words: blanks, both quotes and the backslash; no comments, no operators, no globbing.
 * @throws ERR_COMMAND_UNBALANCED
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (blanks.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word ??= '';
    if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new CircusError('ERR_COMMAND_UNBALANCED', [text]);
      word += text.slice(at + 1, end);
      at = end;
    } else if (char === '"') {
      for (at++; text[at] !== '"'; at++) {
        if (at >= text.length) throw new CircusError('ERR_COMMAND_UNBALANCED', [text]);
        if (text[at] === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')) at++;
        word += text[at];
      }
    } else if (char === '\\') {
      if (++at >= text.length) throw new CircusError('ERR_COMMAND_UNBALANCED', [text]);
      word += text[at];
    } else {
      word += char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Quotes one word for `sh`, leaving alone what needs no quotes. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
