/** Fixtures that are programs of Node: they are given the folder of the built kernel. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const builtKernel = fileURLToPath(new URL('../../core', import.meta.url));
export const builtTests = dirname(fileURLToPath(import.meta.url));
