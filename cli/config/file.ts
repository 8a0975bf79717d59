/** Reads a text file, or tells what is in the way. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import type { Place, Problem } from './problem.js';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a directory, not a file',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'is looked for in something that is no directory',
  ELOOP: 'is a circle of symbolic links',
  ERR_FS_FILE_TOO_LARGE: 'is too large',
};

/** The text of a file; a problem stands at `from`, where the file is named, or in the file itself when that is no text. */
export function readText(path: string, from: Place, what: string): string | Problem {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { file, line, column } = from;
    const message = `${what} ${reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? 'cannot be read'}`;
    return { severity: 'error', file, line, column, message };
  }
  const text = bytes.toString('utf8');
  if (isUtf8(bytes)) return text;
  const good = text.slice(0, text.indexOf('\uFFFD')).split(/\r\n|\r|\n/);
  const message = `${what} is not UTF-8 text from here on, so nothing of it is used`;
  return { severity: 'error', file: path, line: good.length, column: good.at(-1)!.length + 1, message };
}
