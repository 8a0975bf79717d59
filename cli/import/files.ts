/** Where importers read from: a table of texts, or the disk. */
import { accessSync, constants, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readText } from '../config/file.js';
import { findPaths, matches } from '../config/pattern.js';
import type { Problem } from '../config/problem.js';
import { byCodePoint } from '../config/text.js';

/** The files that an importer may look at, by path. */
export interface Files {
  /** The text of a file, or why there is none. */
  read(path: string): string | Problem;
  /** The names in a folder, sorted; none for what is no folder. */
  list(path: string): readonly string[];
  /** The paths that a shell pattern matches, sorted. */
  find(pattern: string): readonly string[];
  isExecutable(path: string): boolean;
}

/** Files in memory, by absolute path; those whose text begins with `#!` count as executable. */
export function filesOf(texts: Readonly<Record<string, string>>): Files {
  const all = new Map(Object.entries(texts));
  const paths = [...all.keys()].sort(byCodePoint);
  return {
    read: (path) => {
      const message = `the file "${path}" does not exist`;
      return all.get(path) ?? { severity: 'error', file: path, line: 1, column: 1, message };
    },
    list: (path) => {
      const below = paths.filter((one) => one.startsWith(`${path}/`)).map((one) => one.slice(path.length + 1));
      return [...new Set(below.map((one) => one.split('/', 1)[0]!))];
    },
    find: (pattern) => paths.filter((path) => matches(path, pattern)),
    isExecutable: (path) => all.get(path)?.startsWith('#!') ?? false,
  };
}

/** The files on the disk. */
export const diskFiles: Files = {
  read: (path) => readText(path, { file: path, line: 1, column: 1 }, `the file "${path}"`, { pipe: true }),
  list: (path) => {
    try {
      return readdirSync(path).sort(byCodePoint);
    } catch {
      return [];
    }
  },
  find: findPaths,
  isExecutable: (path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
};

/** The text of a file that may be missing. */
export function textOf(files: Files, path: string): string | undefined {
  const read = files.read(path);
  return typeof read === 'string' ? read : undefined;
}

/** A path as it is written in a file, seen from the folder of that file. */
export function beside(file: string, path: string): string {
  return path.startsWith('/') ? path : join(dirname(file), path);
}

/** The lines of a text, whatever ends them. */
export function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
}
