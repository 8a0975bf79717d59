/** Where things are, whatever folder the tests are run from. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the repository. */
export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** The absolute path of a file of the repository. */
export const inRoot = (...parts: readonly string[]): string => join(root, ...parts);

/** The absolute path of a program among the fixtures. */
export const fixture = (name: string): string => inRoot('test', 'fixtures', 'programs', name);

/** The path of a built program, such as `circusctl`. @throws when it was not built */
export function program(name: string): string {
  const file = inRoot('dist', 'cli', `${name}.js`);
  if (!existsSync(file)) throw new Error(`${file} is not there: run "npm run build" first`);
  return file;
}
