/** Plugin packages beside a configuration, as npm would install them. */
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inRoot, root } from '../support/paths.js';
import type { Temporary } from '../support/temporary.js';

/** Copies these fixture packages into the folder's node_modules, with circusd itself as a link to this repository. */
export const install =
  (...names: readonly string[]) =>
  ({ path }: Pick<Temporary, 'path'>): void => {
    const modules = join(path, 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, join(modules, 'circusd'));
    for (const name of names)
      cpSync(inRoot('test', 'fixtures', 'packages', name), join(modules, name), { recursive: true });
  };
