/** The times of systemd units: how long a start and a stop may take, and when an end is one too many. */
import type { Entry, WatcherDraft } from './draft.js';
import type { Unit } from './systemd-exec.js';
import { isYes } from './systemd-limits.js';
import { secondsIn, type UnitEntry } from './systemd-unit.js';

/** The times of a start and a stop, and the limit of starts. */
export function importTimes({ watcher, entries, value }: Unit): void {
  const from = (key: string): UnitEntry | undefined => entries.findLast((entry) => entry.key === key);
  const both = from('TimeoutSec');
  const stop = from('TimeoutStopSec') ?? both;
  const start = from('TimeoutStartSec') ?? both;
  if (stop) setSeconds(watcher, 'graceful_timeout', stop);
  if (start && watcher.options.has('ready.notify')) setSeconds(watcher, 'ready.timeout', start);
  else if (start) watcher.report(start, 'only a program that tells when it is ready can be too late');
  const burst = from('StartLimitBurst');
  const interval = from('StartLimitIntervalSec') ?? from('StartLimitInterval');
  const limit = burst ?? interval;
  if (!limit || value('Restart') === undefined) return;
  const seconds = interval ? secondsIn(interval.value) : 10;
  const attempts = burst ? Number(burst.value) : 5;
  if (seconds === undefined || seconds === Infinity || !Number.isInteger(attempts))
    watcher.report(limit, `"${limit.value}" is no limit`);
  else if (seconds === 0 || attempts === 0) watcher.set('flapping.active', false, limit);
  else {
    watcher.set('flapping.attempts', attempts, limit);
    watcher.set('flapping.window', seconds, limit);
    watcher.set('flapping.max_retry', 0, limit);
  }
}

/** A stop of several signals; systemd gives the last one as much time as the first. */
export function importSteps({ watcher, entries, value }: Unit): void {
  const final = entries.findLast(({ key }) => key === 'FinalKillSignal');
  const isFinal = final !== undefined && !/^(SIG)?KILL$|^9$/.test(final.value);
  const hup = isYes(value('SendSIGHUP')) ? 'SIGHUP' : undefined;
  if (!isFinal && hup === undefined) return;
  const from = final ?? entries.find(({ key }) => key === 'SendSIGHUP')!;
  const seconds = watcher.options.get('graceful_timeout') ?? '30';
  const first = watcher.options.get('stop_signal') ?? 'SIGTERM';
  const begin = hup === undefined ? [`${first} ${seconds}`] : [`${first} 0`, `${hup} ${seconds}`];
  if (!watcher.set('stop_steps', [...begin, ...(isFinal ? [`${final.value} ${seconds}`] : [])].join(', '), from))
    return;
  watcher.options.delete('stop_signal');
  watcher.options.delete('graceful_timeout');
}

/** Sets an option in seconds from a span such as `1min 30s`. */
export function setSeconds(watcher: WatcherDraft, key: string, entry: Entry): void {
  const seconds = secondsIn(entry.value);
  if (seconds === undefined) watcher.report(entry, `"${entry.value}" is no span of time`);
  else if (seconds === Infinity) watcher.report(entry, 'circusd waits for a time that has an end');
  else watcher.set(key, seconds, entry);
}
