/** The compiler as an author of plugins runs it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot } from './paths.js';
import type { Temporary } from './temporary.js';

/** Compiles files in a folder, with Node's types put into its node_modules; answers the complaints. */
export function typeCheck({ path }: Pick<Temporary, 'path'>, words: readonly string[]): string {
  const types = join(path, 'node_modules', '@types');
  mkdirSync(types, { recursive: true });
  if (!existsSync(join(types, 'node'))) symlinkSync(inRoot('node_modules', '@types', 'node'), join(types, 'node'));
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  const settings = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [tsc, ...settings, ...words], {
    cwd: path,
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${stdout}${stderr}`;
}
