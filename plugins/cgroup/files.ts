/** The few things that are done with the files of control groups, so that tests can record them. */
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';

/** A tree of control groups. */
export interface Files {
  /** The text of a file; undefined when it can't be read. */
  read(path: string): string | undefined;
  /** Writes a file that is there. @throws Error */
  write(path: string, text: string): void;
  /** The same for what the kernel may take its time with, such as a smaller limit. @throws Error */
  writeSlowly(path: string, text: string): Promise<void>;
  /** Makes a group; false when it is there already. @throws Error */
  make(path: string): boolean;
  /** Removes an empty group; false when it is not empty, or not there. */
  remove(path: string): boolean;
  /** The names of the groups below. */
  folders(path: string): readonly string[];
  /** True for what we may write to. */
  writable(path: string): boolean;
}

/** Never makes a file: where the kernel has none, there is no such controller. */
const flag = constants.O_WRONLY;

/** The answer of an action; `otherwise` when it throws. */
function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}

/** Those of the system. */
export const systemFiles: Files = {
  read: (path) => attempt(() => readFileSync(path, 'utf8'), undefined),
  write(path, text) {
    const fd = openSync(path, flag);
    try {
      writeSync(fd, text);
    } finally {
      closeSync(fd);
    }
  },
  writeSlowly: (path, text) => writeFile(path, text, { flag }),
  make(path) {
    try {
      mkdirSync(path);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  },
  remove: (path) =>
    attempt(() => {
      rmdirSync(path);
      return true;
    }, false),
  folders: (path) =>
    attempt(
      () =>
        readdirSync(path, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => name),
      [],
    ),
  writable: (path) =>
    attempt(() => {
      accessSync(path, constants.W_OK);
      return true;
    }, false),
};

/** The pids in a group itself; a 0 is one that is in another pid namespace. */
export const pidsOf = (files: Files, path: string): readonly number[] =>
  (files.read(`${path}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);

/** The pids in a group and in those below it, as far as they can be signalled. */
export function pidsIn(files: Files, path: string): readonly number[] {
  const below = files.folders(path).flatMap((name) => pidsIn(files, `${path}/${name}`));
  return [...pidsOf(files, path).filter((pid) => pid > 1), ...below];
}

/** Puts those into a group who are missing in it; true when nobody is any more. */
export function settle(files: Files, to: string, missing: () => readonly number[]): boolean {
  // What is forked meanwhile by one that is not in yet is found by the next look.
  for (let looks = 0; looks < 10; looks++) {
    const pids = missing();
    if (pids.length === 0) return true;
    for (const pid of pids) putInto(files, to, pid);
  }
  return false;
}

/** Puts a process into a group, unless it is gone or not ours to put there. */
function putInto(files: Files, path: string, pid: number): void {
  try {
    files.write(`${path}/cgroup.procs`, String(pid));
  } catch {
    // Whoever asks looks who is in.
  }
}

/** Removes a group with those below it, as far as nothing runs in them. */
export function removeTree(files: Files, path: string): boolean {
  for (const name of files.folders(path)) removeTree(files, `${path}/${name}`);
  return files.remove(path);
}
