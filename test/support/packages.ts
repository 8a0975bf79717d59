/** The packages of the fixtures, beside a configuration as npm installs them. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, root } from './paths.js';

/** Puts circusd and all packages of the fixtures into a folder; programs find them there with `--preserve-symlinks`. */
export function installPackages(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(root, join(modules, 'circusd'));
  const packages = inRoot('test', 'fixtures', 'packages');
  for (const name of readdirSync(packages)) symlinkSync(join(packages, name), join(modules, name));
}
