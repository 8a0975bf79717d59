/** Folders that tests may fill, all below one that belongs to this run and goes with it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The temporary folder of this run. Everything started from here takes it as its own: TMPDIR says so. */
export const temporaryRoot = mkdtempSync(join(tmpdir(), 'circusd-'));
process.env['TMPDIR'] = temporaryRoot;
process.once('exit', () => rmSync(temporaryRoot, { recursive: true, force: true }));

/** One folder; its path is short enough for a Unix socket in it. */
export interface Temporary {
  readonly path: string;
  /** Writes a file into it, with the folders on the way; answers the file's path. */
  readonly write: (name: string, content: string | Uint8Array, mode?: number) => string;
  remove(): void;
}

const held = new Set<string>();

/** True for a path in a folder that a test still holds: it is not left behind. */
export const isHeld = (path: string): boolean => [...held].some((folder) => `${path}/`.startsWith(`${folder}/`));

/** Makes a folder. Whoever makes it removes it. */
export function makeTemporary(): Temporary {
  const path = mkdtempSync(join(temporaryRoot, 't-'));
  held.add(path);
  return {
    path,
    write(name, content, mode = 0o644) {
      const file = join(path, name);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content, { mode });
      return file;
    },
    remove() {
      held.delete(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** To be called in a `describe`: gives each of its tests a folder, which is removed after the test. */
export function temporaryPerTest(): Omit<Temporary, 'remove'> {
  let current: Temporary | undefined;
  const folder = (): Temporary => {
    if (!current) throw new Error('there is a temporary folder only while a test runs');
    return current;
  };
  beforeEach('make a temporary folder', () => {
    current = makeTemporary();
  });
  afterEach('remove the temporary folder', () => {
    current?.remove();
    current = undefined;
  });
  return {
    get path() {
      return folder().path;
    },
    write: (...facts) => folder().write(...facts),
  };
}
