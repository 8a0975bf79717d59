/** Reads a text file, or tells what is in the way. */
import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { Place, Problem } from './problem.js';

/** How many bytes a file may have. */
const largest = 16 * 2 ** 20;

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a directory, not a file',
  EACCES: 'may not be read by this user',
  ENOTDIR: 'is looked for in something that is no directory',
  ELOOP: 'is a circle of symbolic links',
  ENXIO: 'is no regular file',
  EFTYPE: 'is no regular file',
  EFBIG: 'has more than 16 MiB, which no file here may have',
};

/**
 * The bytes of a file. Nothing else may be read: a pipe without a writer would hold up the whole daemon for good, and
 * a device has no end. With `pipe`, a pipe may. @throws an error with a code
 */
export function readBytes(path: string, { pipe = false } = {}): Buffer {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants;
  const file = openSync(path, O_RDONLY | O_NOCTTY | (pipe ? 0 : O_NONBLOCK));
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw refusal('EISDIR');
    if (!stats.isFile() && !(pipe && stats.isFIFO())) throw refusal('EFTYPE');
    // What /proc holds has no size, and is read by its end.
    const parts: Buffer[] = [];
    let length = 0;
    for (;;) {
      const part = Buffer.allocUnsafe(Math.min(largest + 1, Math.max(2 ** 16, stats.size + 1 - length)));
      const read = readSync(file, part);
      if (read === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, read));
      length += read;
      if (length > largest) throw refusal('EFBIG');
    }
  } finally {
    closeSync(file);
  }
}

function refusal(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The text of a file; a problem stands at `from`, where the file is named, or in the file itself when that is no text. */
export function readText(
  path: string,
  from: Place,
  what: string,
  kind: { readonly pipe?: boolean } = {},
): string | Problem {
  let bytes: Buffer;
  try {
    bytes = readBytes(path, kind);
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
