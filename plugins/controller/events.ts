/** The kernel's notices as events: Circus's (circus-compat §4), and what its users missed. */
import { circusState, reasonOf, type Exit, type HookViews, type WatcherState } from '#core';
import type { Fields } from './command.js';
import type { DaemonEvent, WatcherEvent } from './event-table.js';

/** Publishes events of a watcher, and of the daemon. */
export interface Publish {
  watcher(name: string, event: WatcherEvent, facts?: Fields): void;
  daemon(event: DaemonEvent, facts: Fields): void;
}

/** The topic of an event: `watcher.<name>.<event>`, the name in lower case, its blanks as underscores. */
export const topicOf = (watcher: string, event: string): string =>
  `watcher.${watcher.toLowerCase().replaceAll(' ', '_')}.${event}`;

/** Circus tells of ends in these cases only; in the others its clients go by `kill`. */
const told = new Set<Exit['reason']>(['ended', 'stopped']);
const up = new Set<WatcherState>(['starting', 'active', 'retrying', 'stopping']);

/** True when a watcher went down: one whose start was refused, before anything of it ran, never was up. */
const wentDown = (before: WatcherState, after: WatcherState) =>
  up.has(before) &&
  after !== 'retrying' &&
  circusState[after] === 'stopped' &&
  !(before === 'starting' && after === 'stopped');

/** The exit code as Circus gives it: the status, or the signal's number below zero; null when nobody knows. */
export const exitCode = ({ code, signal }: Exit): number | null => code ?? (signal === null ? null : -signal);

/** Taps the hooks that have an event. */
export function publishEvents(hooks: HookViews, publish: Publish): void {
  hooks.spawned.tap('events', (process) =>
    publish.watcher(process.watcher, 'spawn', { process_pid: process.pid, time: process.startedAt / 1000 }),
  );
  hooks.signalled.tap('events', (process, _signal, pid) =>
    publish.watcher(process.watcher, 'kill', { process_pid: pid }),
  );
  hooks.reaped.tap('events', (exit, { watcher, pid }) => {
    if (told.has(exit.reason))
      publish.watcher(watcher, 'reap', { process_pid: pid, exit_code: exitCode(exit), time: exit.at / 1000 });
  });
  hooks.processState.tap('events', ({ watcher, pid }, _before, after) => {
    if (after === 'ready' || after === 'unready') publish.watcher(watcher, after, { process_pid: pid });
  });
  hooks.watcherState.tap('events', ({ name, reason }, before, after) => {
    if (before === 'starting' && after === 'active') publish.watcher(name, 'start');
    if (wentDown(before, after)) publish.watcher(name, 'stop');
    if (after === 'gave-up') publish.watcher(name, 'gave_up', { reason: reason.replace(/^gave up: /, '') });
  });
  hooks.reloaded.tap('events', ({ name }) => publish.watcher(name, 'reload'));
  hooks.operationChanged.tap('events', ({ kind, state, watcher, reason, by }) => {
    if (kind === 'reload' && (state === 'failed' || state === 'cancelled'))
      publish.watcher(watcher, 'reload_aborted', { reason, by });
  });
  hooks.fault.tap('events', ({ plugin, hook, watcher = null, error }) =>
    publish.daemon('plugin_fault', { plugin, hook, watcher, error: reasonOf(error) }),
  );
  publishRetries(hooks, publish);
}

/** Pauses in a row, per place of a watcher: the row ends when a process is followed by another without a pause. */
function publishRetries(hooks: HookViews, publish: Publish): void {
  const rows = new Map<string, Map<number, { attempt: number; pausing: boolean }>>();
  hooks.retrying.tap('events', ({ name }, wid, delay, reason) => {
    const places = rows.get(name) ?? new Map<number, { attempt: number; pausing: boolean }>();
    const attempt = (places.get(wid)?.attempt ?? 0) + 1;
    rows.set(name, places.set(wid, { attempt, pausing: true }));
    publish.watcher(name, 'retry', { wid, attempt, in: Math.round(delay) / 1000, reason });
  });
  hooks.spawned.tap('events', ({ watcher, wid }) => {
    const row = rows.get(watcher)?.get(wid);
    if (row?.pausing) row.pausing = false;
    else rows.get(watcher)?.delete(wid);
  });
  hooks.operationChanged.tap('events', ({ kind, watcher, state }) => {
    if (state === 'running' && (kind === 'start' || kind === 'restart')) rows.delete(watcher);
  });
  hooks.watcherRemoved.tap('events', ({ name }) => void rows.delete(name));
}
