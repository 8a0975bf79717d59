/** What each event does to a watcher and to a process in each state, as data; a missing cell means it can't happen. */

/** What a watcher is doing. What its operator wants, and what was asked of a process, are kept apart from it. */
export type WatcherState =
  | 'stopped'
  /** Held back: a dependency, a missing plugin or a first client is awaited. */
  | 'waiting'
  | 'starting'
  | 'active'
  /** No process lives; the next attempt is timed. */
  | 'retrying'
  | 'stopping'
  /** The attempts are used up; an operator's start begins anew. */
  | 'gave-up'
  /** Its processes ended, and none is to be replaced. */
  | 'completed'
  /** An operator took it out of service until it is enabled. */
  | 'disabled';

/** What can be wanted of a watcher, and what can happen to it. */
type WatcherWish = 'start' | 'wait' | 'stop' | 'disable' | 'enable';
export type WatcherEvent = WatcherWish | 'started' | 'emptied' | 'filled' | 'stopped' | 'gave-up' | 'completed';

type Table<S extends string, E extends string> = Readonly<Record<S, Readonly<Partial<Record<E, S>>>>>;

const resting = { start: 'starting', wait: 'waiting', disable: 'disabled' } as const;
const up = { wait: 'waiting', stop: 'stopping', 'gave-up': 'gave-up', completed: 'completed' } as const;

/** The watcher's table: state and event to the next state. */
export const watcherTable: Table<WatcherState, WatcherEvent> = {
  stopped: resting,
  waiting: { ...resting, stop: 'stopping', stopped: 'stopped' },
  // Refused before anything was started, it was never up.
  starting: { ...up, started: 'active', filled: 'active', emptied: 'retrying', stopped: 'stopped' },
  active: { ...up, emptied: 'retrying' },
  retrying: { ...up, start: 'starting', filled: 'active' },
  stopping: { stopped: 'stopped', 'gave-up': 'gave-up', completed: 'completed' },
  'gave-up': { ...resting, stopped: 'stopped' },
  completed: { ...resting, stopped: 'stopped' },
  disabled: { enable: 'stopped' },
};

/** Circus's four names, which its clients know. */
export type CircusState = 'stopped' | 'starting' | 'active' | 'stopping';

/** Each state as Circus's clients see it. */
export const circusState: Readonly<Record<WatcherState, CircusState>> = {
  stopped: 'stopped',
  waiting: 'stopped',
  starting: 'starting',
  active: 'active',
  retrying: 'stopped',
  stopping: 'stopping',
  'gave-up': 'stopped',
  completed: 'stopped',
  disabled: 'stopped',
};

/** What one process is doing. */
export type ProcessState =
  /** Running, and nobody knows yet whether it can serve. */
  | 'unready'
  | 'ready'
  /** Found running after the daemon was replaced; it counts as ready until a probe says otherwise. */
  | 'adopted'
  | 'stopping'
  | 'ended';

/** What can happen to a process. */
export type ProcessEvent = 'ready' | 'unready' | 'stop' | 'end';

/** The process's table. */
export const processTable: Table<ProcessState, ProcessEvent> = {
  unready: { ready: 'ready', stop: 'stopping', end: 'ended' },
  ready: { unready: 'unready', stop: 'stopping', end: 'ended' },
  adopted: { ready: 'ready', unready: 'unready', stop: 'stopping', end: 'ended' },
  stopping: { end: 'ended' },
  ended: {},
};

/** The next state, or undefined when the event means nothing in this one. */
export function next<S extends string, E extends string>(table: Table<S, E>, state: S, event: E): S | undefined {
  return table[state][event];
}
