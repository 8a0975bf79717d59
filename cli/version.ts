import { createRequire } from 'node:module';

/** The version of this package, found by its own name: the bundler moves this module to where it likes. */
export const { version } = createRequire(import.meta.url)('circusd/package.json') as { version: string };
