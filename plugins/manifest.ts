/** What each first-party plugin is called and what loads it, known without importing any of them. */
import type { AnyPlugin } from '#core';

/** One first-party plugin. */
export interface ManifestEntry {
  readonly name: string;
  /** Names by which Circus's configurations know it. */
  readonly aliases: readonly string[];
  /** Watcher keys that load it; a key that ends in `*` is a prefix. */
  readonly keys: readonly string[];
  readonly load: () => Promise<{ readonly default: AnyPlugin }>;
}

/** The first-party plugins. */
export const manifest: readonly ManifestEntry[] = [
  {
    name: 'controller',
    aliases: [],
    keys: [],
    load: () => import('./controller/index.js'),
  },
  {
    name: 'flapping',
    aliases: ['circus.plugins.flapping.Flapping', 'circus.plugins.flapping:Flapping'],
    keys: ['flapping.*'],
    load: () => import('./flapping/index.js'),
  },
];
