/** The file that holds the daemon's process id, as Circus writes it (circus-compat §2.17). */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import { reasonOf } from '#core';
import { readBytes } from '../config/file.js';

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;

/** The unit of times in /proc. */
const ticksPerSecond = 100;
/** The time of boot is told in whole seconds; in ms. */
const margin = 2000;

/** Opens the file itself, never what a link there names: whoever can make one must not choose what is overwritten. */
function openItself(path: string, flags: number): number {
  try {
    return openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') throw new Error('it is a symbolic link', { cause: error });
    throw error;
  }
}

/** The number in an open file, 0 when it is empty. @throws Error when it holds something else */
function pidIn(file: number): number {
  if (!fstatSync(file).isFile()) throw new Error('it is no regular file');
  const bytes = Buffer.alloc(64);
  const text = bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, 0)).trim();
  if (!/^-?\d*$/.test(text)) throw new Error('it holds something else than a process id, and is not overwritten');
  return Number(text);
}

/** The words of a process that runs; undefined when there is none. */
function commandOf(pid: number): readonly string[] | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined;
  }
  try {
    return readBytes(`/proc/${pid}/cmdline`).toString().split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

/**
 * True when the process can't be the one that the file was written for: it began later, and is none of ours. All other
 * ones count, as in Circus: the file may be that of another service.
 */
function isStale(file: number, pid: number, words: readonly string[]): boolean {
  if (words.length === 0 || words.some((word) => basename(word).startsWith('circusd'))) return false;
  try {
    const stat = readBytes(`/proc/${pid}/stat`).toString('latin1');
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const boot = Number(/^btime (\d+)$/m.exec(readBytes('/proc/stat').toString('latin1'))?.[1]);
    return (boot + ticks / ticksPerSecond) * 1000 > fstatSync(file).mtimeMs + margin;
  } catch {
    return false;
  }
}

/** Writes our pid; the returned function removes the file if it is still ours. @throws Error when another daemon has it */
export function writePidfile(path: string): () => void {
  try {
    if (!existsSync(dirname(path))) throw new Error('its folder does not exist');
    const file = openItself(path, O_RDWR | O_CREAT);
    try {
      const other = pidIn(file);
      const words = other > 0 && other !== process.pid ? commandOf(other) : undefined;
      if (words !== undefined && !isStale(file, other, words))
        throw new Error(`it belongs to process ${other}${inWords(words)}, which is running`);
      ftruncateSync(file);
      writeSync(file, `${process.pid}\n`, 0);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Error(`pid file "${path}": ${reasonOf(error)}`, { cause: error });
  }
  return () => {
    try {
      const file = openItself(path, O_RDONLY);
      const isOurs = pidIn(file) === process.pid;
      closeSync(file);
      if (isOurs) rmSync(path);
    } catch {
      // Somebody has taken it away, or put something else there.
    }
  };
}

/** The program of a process, and the script that an interpreter runs. */
function inWords(words: readonly string[]): string {
  const names = words.filter((word) => !word.startsWith('-')).map((word) => basename(word));
  return names.length === 0 ? '' : ` (${names.slice(0, 2).join(' ')})`;
}
