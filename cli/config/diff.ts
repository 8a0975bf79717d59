/** What lies between two configurations, and what each change costs: a pure comparison that the user is shown before anything is done. */
import { isDeepStrictEqual } from 'node:util';
import type { SocketSpec, WatcherSpec } from '#core';
import type { Change, Cost, KeyChange } from '#plugins/controller/service.js';
import type { CircusOptions } from './build.js';
import { switches, type MeantPlugin } from './rewrite.js';
import { withoutSecrets } from './secret.js';

/** The parts of a configuration that are compared. */
export interface Comparable {
  readonly circus: CircusOptions;
  readonly watchers: readonly WatcherSpec[];
  readonly sockets: readonly SocketSpec[];
  readonly plugins: readonly MeantPlugin[];
}

/** Keys of a watcher that only new processes can have. */
const reloading = new Set([
  'cmd',
  'args',
  'working_dir',
  'shell',
  'shell_args',
  'executable',
  'env',
  'copy_env',
  'use_sockets',
  'sockets',
  'stdin_socket',
  'listen_fds',
  'close_child_stdin',
  'close_child_stdout',
  'close_child_stderr',
  'secrets',
]);
/** Keys of plugins that are carried out when a process is started. */
const reloadingOption =
  /^(uid|gid|groups|umask|nice|ionice|sched|cpu_affinity|oom_score_adj|capabilities|no_new_privileges|die_with_daemon|rlimit_.*|stdout_stream\..*|stderr_stream\..*|keychain|cgroup\.active|node_listen|notify|alive\.notify)$/;

type Fields = Readonly<Record<string, unknown>>;

const atNextStart = 'takes effect when circusd is started again';

function keyChanges(before: Fields, after: Fields): readonly KeyChange[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys
    .filter((key) => !isDeepStrictEqual(before[key], after[key]))
    .map((key) => ({ key, before: before[key], after: after[key] }));
}

/** A watcher as one flat list of keys: the kernel's and, beside them, those of plugins. */
function flat({ options, ...own }: WatcherSpec): Fields {
  const { __name__: _, ...rest } = options;
  return { ...rest, ...own };
}

const dearest = (keys: readonly KeyChange[]): Cost =>
  keys.some(({ key }) => reloading.has(key) || reloadingOption.test(key)) ? 'reload' : 'hot';

function watcherChange(before: WatcherSpec, after: WatcherSpec): Change | undefined {
  const keys = driftOf(before, after);
  if (keys.length === 0) return undefined;
  const cost = dearest(keys);
  const resized = keys.find(({ key }) => key === 'numprocesses');
  const does =
    cost === 'reload'
      ? 'processes are replaced one by one'
      : resized
        ? `${resized.after} processes are kept`
        : 'takes effect at once';
  return { kind: 'watcher', name: after.name, what: 'changed', keys, cost, does };
}

function socketChange(before: SocketSpec, after: SocketSpec): Change | undefined {
  const keys = keyChanges({ ...before }, { ...after });
  if (keys.length === 0) return undefined;
  return {
    kind: 'socket',
    name: after.name,
    what: 'changed',
    keys,
    ...costOfSocket(keys),
  };
}

/** Keys that a socket takes on as it is: who waits in it goes on waiting. */
export const keysInPlace: ReadonlySet<string> = new Set(['backlog', 'umask', 'owner', 'group', 'replace', 'blocking']);
/** Those of them of which processes that have it notice something. */
const keysFelt: ReadonlySet<string> = new Set(['blocking']);

function costOfSocket(keys: readonly KeyChange[]): Pick<Change, 'cost' | 'does'> {
  if (!keys.every(({ key }) => keysInPlace.has(key)))
    return { cost: 'reload', does: 'it is bound anew, and the watchers that use it are reloaded' };
  if (keys.some(({ key }) => keysFelt.has(key)))
    return { cost: 'reload', does: 'it is changed as it is, and the watchers that use it are reloaded' };
  return { cost: 'hot', does: 'it is changed as it is' };
}

function pluginChange(before: MeantPlugin, after: MeantPlugin): Change | undefined {
  const keys = keyChanges({ use: before.use, ...before.options }, { use: after.use, ...after.options });
  if (keys.length === 0) return undefined;
  const isController = before.use === 'controller';
  return {
    kind: 'plugin',
    name: after.name,
    what: 'changed',
    keys,
    cost: isController ? 'daemon' : 'hot',
    does: isController ? atNextStart : 'the plugin is closed and applied with its new options',
  };
}

/** The keys in which two forms of a watcher differ, such as the configured and the running one; secrets are masked. */
export const driftOf = (configured: WatcherSpec, running: WatcherSpec): readonly KeyChange[] =>
  keyChanges(flat(configured), flat(running)).map((change) =>
    change.key === 'env' ? { key: 'env', before: shownEnv(configured), after: shownEnv(running) } : change,
  );

const shownEnv = ({ env, secrets }: WatcherSpec) => env && withoutSecrets(env, secrets);

/** The controller is not exchanged: whoever asks for that would get no answer. */
function costOf(item: object, does: string): Pick<Change, 'cost' | 'does'> {
  const isController = 'use' in item && item.use === 'controller';
  return isController ? { cost: 'daemon', does: atNextStart } : { cost: 'nothing', does };
}

/** Compares lists of named things; what is in only one of them was added or removed. */
function compare<T extends { readonly name: string }>(
  kind: Change['kind'],
  [before, after]: readonly [readonly T[], readonly T[]],
  changed: (before: T, after: T) => Change | undefined,
  does: { readonly added: (added: T) => string; readonly removed: string },
): readonly Change[] {
  const key = ({ name }: T) => name.toLowerCase();
  const old = new Map(before.map((item) => [key(item), item]));
  const fresh = new Map(after.map((item) => [key(item), item]));
  const removed = before
    .filter((item) => !fresh.has(key(item)))
    .map((item): Change => ({ kind, name: item.name, what: 'removed', keys: [], ...costOf(item, does.removed) }));
  const rest = after.flatMap((item): readonly Change[] => {
    const other = old.get(key(item));
    if (other) return [changed(other, item)].filter((change) => change !== undefined);
    return [{ kind, name: item.name, what: 'added', keys: [], ...costOf(item, does.added(item)) }];
  });
  return [...removed, ...rest];
}

/** Everything that lies between two configurations; empty when they are the same. */
export function diff(before: Comparable, after: Comparable): readonly Change[] {
  const circus = keyChanges(ownOptions(before.circus), ownOptions(after.circus));
  const daemon: Change = {
    kind: 'circus',
    name: 'circus',
    what: 'changed',
    keys: circus,
    cost: 'daemon',
    does: atNextStart,
  };
  return [
    ...(circus.length > 0 ? [daemon] : []),
    ...compare('plugin', [before.plugins, after.plugins], pluginChange, {
      added: () => 'it is loaded',
      removed: 'it is closed',
    }),
    ...compare('socket', [before.sockets, after.sockets], socketChange, {
      added: () => 'it is bound',
      removed: 'it is closed',
    }),
    ...compare('watcher', [before.watchers, after.watchers], watcherChange, {
      added: ({ autostart }) => (autostart ? 'it is started' : 'it is added and rests'),
      removed: 'it is stopped',
    }),
  ];
}

const toPlugins = new Set(switches.filter(({ option }) => option !== undefined).map(({ key }) => key));

/** The options of `[circus]` that are not some plugin's. */
function ownOptions(circus: CircusOptions): Fields {
  return Object.fromEntries(Object.entries(circus).filter(([key]) => !toPlugins.has(key as keyof CircusOptions)));
}
