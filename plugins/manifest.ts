/** What each first-party plugin is called and what loads it, known without importing any of them. */
import type { AnyPlugin, SocketSpec, WatcherSpec } from '#core';

/** One first-party plugin. */
export interface ManifestEntry {
  readonly name: string;
  /** Names by which Circus's configurations know it. */
  readonly aliases: readonly string[];
  /** Watcher keys that load it; a key that ends in `*` is a prefix. */
  readonly keys: readonly string[];
  /** Watchers that load it without any such key. */
  readonly suits?: (spec: WatcherSpec) => boolean;
  readonly load: () => Promise<{ readonly default: AnyPlugin }>;
  /** Makes a judge of the options of watchers that have such keys: what the plugin would refuse is found before it is loaded. */
  readonly judge?: () => Promise<{ readonly judge: () => Judge }>;
}

/** What is wrong with the options of a watcher, in a daemon with these sockets; a message goes on after its key's name. */
export type Judge = (
  options: WatcherSpec['options'],
  around: { readonly spec: WatcherSpec; readonly sockets: readonly SocketSpec[] },
) => readonly { readonly key: string; readonly message: string }[];

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
  {
    name: 'health',
    aliases: [],
    keys: ['ready.*', 'alive.*', 'notify'],
    // Whoever inherits sockets is asked whether it accepts on them, before another one is stopped for it.
    suits: ({ use_sockets, sockets, stdin_socket }) => use_sockets || sockets.length > 0 || stdin_socket !== null,
    load: () => import('./health/index.js'),
    judge: () => import('./health/judge.js'),
  },
  {
    name: 'limits',
    aliases: [],
    keys: [
      ...['uid', 'gid', 'groups', 'umask', 'rlimit_*', 'nice', 'ionice', 'sched', 'cpu_affinity', 'oom_score_adj'],
      ...['capabilities', 'no_new_privileges'],
    ],
    load: () => import('./limits/index.js'),
    judge: () => import('./limits/judge.js'),
  },
];
