/** The program of a command that somebody wrote into a configuration. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findProgram } from '#core';

/** The path of a command's program: in the folder of the configuration, else in the daemon's PATH. @throws Error */
export function programOf(word: string, folder: string): string {
  const own = resolve(folder, word);
  if (word.includes('/') || isFile(own)) {
    if (!isFile(own)) throw new Error(`there is no file ${own}`);
    try {
      accessSync(own, constants.X_OK);
    } catch {
      throw new Error(`${own} can't be executed`);
    }
    return own;
  }
  return findProgram(word, process.env['PATH'], folder);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
