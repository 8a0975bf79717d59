import { createRequire } from 'node:module';

/** True where the optional package `yaml` is installed. */
export const yamlIsThere = ((): boolean => {
  try {
    return createRequire(import.meta.url)('yaml') !== undefined;
  } catch {
    return false;
  }
})();
