/** The kernel's notices as Circus's events (circus-compat §4). */
import { circusState, type Exit, type HookViews, type WatcherState } from '#core';
import type { Fields } from './command.js';

/** Publishes an event of a watcher. */
export type Publish = (watcher: string, event: string, facts?: Fields) => void;

/** The topic of an event: `watcher.<name>.<event>`, the name in lower case, its blanks as underscores. */
export const topicOf = (watcher: string, event: string): string =>
  `watcher.${watcher.toLowerCase().replaceAll(' ', '_')}.${event}`;

/** Circus tells of ends in these cases only; in the others its clients go by `kill`. */
const told = new Set<Exit['reason']>(['ended', 'stopped']);
const up = new Set<WatcherState>(['starting', 'active', 'retrying', 'stopping']);

/** The exit code as Circus gives it: the status, or the signal's number below zero; null when nobody knows. */
export const exitCode = ({ code, signal }: Exit): number | null => code ?? (signal === null ? null : -signal);

/** Taps the hooks that have an event. */
export function publishEvents(hooks: HookViews, publish: Publish): void {
  hooks.spawned.tap('events', (process) =>
    publish(process.watcher, 'spawn', { process_pid: process.pid, time: process.startedAt / 1000 }),
  );
  hooks.signalled.tap('events', (process, _signal, pid) => publish(process.watcher, 'kill', { process_pid: pid }));
  hooks.reaped.tap('events', (exit, process) => {
    if (told.has(exit.reason))
      publish(process.watcher, 'reap', { process_pid: process.pid, exit_code: exitCode(exit), time: exit.at / 1000 });
  });
  hooks.watcherState.tap('events', ({ name }, before, after) => {
    if (before === 'starting' && after === 'active') publish(name, 'start');
    if (up.has(before) && after !== 'retrying' && circusState[after] === 'stopped') publish(name, 'stop');
  });
  hooks.reloaded.tap('events', ({ name }) => publish(name, 'reload'));
}
