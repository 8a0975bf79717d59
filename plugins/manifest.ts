/** What each first-party plugin is called and what loads it, known without importing any of them. */
import type { AnyPlugin, WatcherSpec } from '#core';
import type { Judge } from './flaw.js';

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
  /**
   * Makes a judge of the options of watchers that have such keys: what the plugin would refuse is found before it is
   * loaded. `folder` is that of the configuration.
   */
  readonly judge?: () => Promise<{ readonly judge: (folder: string) => Judge }>;
}

/** The first-party plugins. */
export const manifest: readonly ManifestEntry[] = [
  {
    name: 'cgroup',
    aliases: [],
    keys: ['cgroup.*'],
    load: () => import('./cgroup/index.js'),
    judge: () => import('./cgroup/judge.js'),
  },
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
    judge: () => import('./flapping/judge.js'),
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
    name: 'hooks',
    aliases: [],
    keys: ['hooks.*'],
    load: () => import('./hooks/index.js'),
    judge: () => import('./hooks/judge.js'),
  },
  {
    name: 'intent',
    aliases: [],
    keys: [],
    load: () => import('./intent/index.js'),
  },
  {
    name: 'max-age',
    aliases: [],
    keys: ['max_age', 'max_age_variance'],
    load: () => import('./max-age/index.js'),
  },
  {
    name: 'limits',
    aliases: [],
    keys: [
      ...['uid', 'gid', 'groups', 'umask', 'rlimit_*', 'nice', 'ionice', 'sched', 'cpu_affinity', 'oom_score_adj'],
      ...['capabilities', 'no_new_privileges', 'die_with_daemon'],
    ],
    load: () => import('./limits/index.js'),
    judge: () => import('./limits/judge.js'),
  },
  {
    name: 'node-listen',
    aliases: [],
    keys: ['node_listen'],
    load: () => import('./node-listen/index.js'),
    judge: () => import('./node-listen/judge.js'),
  },
  {
    name: 'on-demand',
    aliases: [],
    keys: ['on_demand', 'idle_timeout'],
    load: () => import('./on-demand/index.js'),
    judge: () => import('./on-demand/judge.js'),
  },
];
