/** Every event that the controller publishes: its topic, its payload, and when it comes. The reference is held against it. */

/** One kind of event; `payload` names its fields but `time`, `seq` and `boot`, which are in every one. */
export interface EventFacts {
  /** About a watcher (`watcher.NAME.EVENT`), or the daemon (`daemon.EVENT`), which those who read `watcher.` don't see. */
  readonly about: 'watcher' | 'daemon';
  readonly payload: readonly string[];
  readonly when: string;
}

const of =
  <About extends EventFacts['about']>(about: About) =>
  (when: string, ...payload: readonly string[]) => ({ about, payload, when });
const watcher = of('watcher');
const daemon = of('daemon');

/** The events, by name. The first eleven are Circus's. */
export const eventTable = {
  spawn: watcher('a process runs, and `afterSpawn` had no objection; `time` is that of its start', 'process_pid'),
  reap: watcher('a process ended, by itself or in a stop: see below', 'process_pid', 'exit_code'),
  kill: watcher('a stop sent a signal to a process or to one of its children; once more for SIGKILL', 'process_pid'),
  start: watcher('the watcher has come from starting to active'),
  stop: watcher('the watcher is down: stopped, given up, completed or held back; also after a start that failed'),
  reload: watcher('a graceful reload is through'),
  updated: watcher('`set` was asked to change an option: one event for each option, whatever comes of it'),
  add: watcher('the command `add` made the watcher'),
  remove: watcher('the command `rm` took the watcher out; what its stop publishes follows'),
  hook_success: watcher('a hook of the plugin `hooks` answered, whatever it said; `name` is its moment', 'name'),
  hook_failure: watcher(
    'a hook threw, was too slow, or is a command that ended with another code than 0',
    'name',
    'error',
  ),
  ready: watcher('a process can serve, for the first time or again', 'process_pid'),
  unready: watcher('a process that was ready can’t serve any more, as a plugin found', 'process_pid'),
  retry: watcher(
    'a process of the place `wid` is to be started after a pause of `in` seconds; `attempt` counts the pauses in a row',
    'wid',
    'attempt',
    'in',
    'reason',
  ),
  gave_up: watcher('the attempts are used up, and nothing more is started until somebody asks for it', 'reason'),
  reload_aborted: watcher('a reload failed or was cancelled; what it had not replaced runs on', 'reason', 'by'),
  disabled: watcher('`disable` took the watcher out of service; `reason` may be null', 'by', 'reason'),
  enabled: watcher('`enable` put the watcher back into service', 'by'),
  rolled_back: watcher(
    '`rollback` gave the watcher a spec again that was good; `keys` are the names of what changed',
    'by',
    'keys',
  ),
  plugin_fault: daemon(
    'a plugin failed in a hook, which went on without it; `watcher` is null where it was about none',
    'plugin',
    'hook',
    'watcher',
    'error',
  ),
  config_changed: daemon(
    '`reloadconfig` changed something: `changes` has `kind`, `name`, `what` and the names of the `keys` of each section',
    'changes',
    'by',
  ),
  config_failed: daemon('`reloadconfig` could not do all that the files say', 'reason', 'by'),
} as const satisfies Readonly<Record<string, EventFacts>>;

type Names<About extends EventFacts['about']> = {
  readonly [N in keyof typeof eventTable]: (typeof eventTable)[N] extends { readonly about: About } ? N : never;
}[keyof typeof eventTable];

export type WatcherEvent = Names<'watcher'>;
export type DaemonEvent = Names<'daemon'>;
