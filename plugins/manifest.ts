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
  /** Its options where only watchers load it, and no section. */
  readonly unwritten?: Readonly<Record<string, string>>;
  /** `named` makes the plugin under another name. */
  readonly load: () => Promise<{ readonly default: AnyPlugin; readonly named?: (name: string) => AnyPlugin }>;
  /** There may be any number of its sections, each a plugin by itself; these options of theirs name a watcher. */
  readonly many?: { readonly about: readonly string[] };
  /**
   * Makes a judge of the options of watchers that have such keys: what the plugin would refuse is found before it is
   * loaded. `folder` is that of the configuration.
   */
  readonly judge?: () => Promise<{ readonly judge: (folder: string) => Judge }>;
}

/** Watchers whose processes inherit sockets. */
const usesSockets = ({ use_sockets, sockets, stdin_socket }: WatcherSpec): boolean =>
  use_sockets || sockets.length > 0 || stdin_socket !== null;

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
    keys: ['group', 'label.*'],
    load: () => import('./controller/index.js'),
    judge: () => import('./controller/judge.js'),
  },
  {
    name: 'dependencies',
    aliases: [],
    keys: ['after', 'requires', 'wants', 'on_dependency_restart'],
    load: () => import('./dependencies/index.js'),
    judge: () => import('./dependencies/judge.js'),
  },
  {
    name: 'flapping',
    aliases: ['circus.plugins.flapping.Flapping', 'circus.plugins.flapping:Flapping'],
    keys: ['flapping.*', 'success_exit_codes', 'no_restart_exit_codes'],
    // One watcher that asks for it must not have all others judged by Circus's rules.
    unwritten: { only_asked: 'True' },
    load: () => import('./flapping/index.js'),
    judge: () => import('./flapping/judge.js'),
  },
  {
    name: 'health',
    aliases: [],
    keys: ['ready.*', 'alive.*', 'notify', 'ipc'],
    // Whoever inherits sockets is asked whether it accepts on them, before another one is stopped for it.
    suits: usesSockets,
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
  {
    name: 'resource-watcher',
    aliases: ['circus.plugins.resource_watcher.ResourceWatcher', 'circus.plugins.resource_watcher:ResourceWatcher'],
    keys: ['resources.*'],
    load: () => import('./resource-watcher/index.js'),
    many: { about: ['watcher', 'service'] },
    judge: () => import('./resource-watcher/judge.js'),
  },
  {
    name: 'rollout',
    aliases: [],
    keys: ['reload.*'],
    // What cuts off its clients when it is replaced is told of.
    suits: usesSockets,
    load: () => import('./rollout/index.js'),
    judge: () => import('./rollout/judge.js'),
  },
];
