/** The watch over processes that run: who does not answer any more is replaced. */
import type { Clock, PluginContext, Process, Watcher } from '#core';
import { probesOf } from './probe.js';
import type { HealthRecord } from './records.js';
import type { Tools } from './readiness.js';
import { untilBad } from './schedule.js';
import type { AliveSettings } from './settings.js';

/** What it takes to watch. */
export interface WatchTools extends Tools, Pick<PluginContext, 'log' | 'by'> {
  /** Told that a process is replaced, and why. */
  readonly unhealthy: (process: Process, reason: string) => void;
}

/** Why a process is not alive: the key of the condition, and a phrase that goes on after "it". */
interface Failure {
  readonly key: string;
  readonly how: string;
}

/** Watches until the process ends; does nothing while it is being watched, or where nobody asked for it. */
export function watchOver(process: Process, watcher: Watcher, tools: WatchTools): void {
  const record = tools.records.of(process);
  if (record.watch || record.leaving || record.life.signal.aborted) return;
  const settings = tools.records.settingsOf(watcher.spec).alive;
  const watch = new AbortController();
  record.watch = watch;
  record.watched = aliveOptions(watcher);
  const signal = AbortSignal.any([watch.signal, record.life.signal]);
  const failures = [...conditions(process, record, settings, tools, signal)];
  if (failures.length === 0) return;
  Promise.race(failures).then(
    ({ key, how }) => replace(process, watcher, tools, `${key}: it ${how}`),
    () => undefined,
  );
}

/** The keys of a watcher that say how it is watched, as text. */
const aliveOptions = ({ spec }: Watcher): string =>
  JSON.stringify(Object.entries(spec.options).filter(([key]) => key.startsWith('alive.')));

/** Watches the processes of a watcher in another way, where that has changed. */
export function rewatch(watcher: Watcher, tools: WatchTools): void {
  for (const process of watcher.processes) {
    const record = tools.records.of(process);
    if (!record.watch || record.watched === aliveOptions(watcher)) continue;
    unwatch(record);
    record.silence = undefined;
    watchOver(process, watcher, tools);
  }
}

/** Ends the watch. */
export function unwatch(record: HealthRecord): void {
  record.watch?.abort();
  record.watch = undefined;
  record.complaints.clear();
}

function* conditions(
  process: Process,
  record: HealthRecord,
  settings: AliveSettings,
  { arbiter, run }: WatchTools,
  signal: AbortSignal,
): Iterable<Promise<Failure>> {
  const { clock } = arbiter;
  const pace = {
    ...settings,
    interval: () => settings.interval,
    patience: settings.timeout,
    successes: settings.success_threshold,
    failures: settings.failure_threshold,
  };
  for (const [name, probe] of probesOf(settings, process, run, settings.timeout)) {
    const key = `alive.${name}`;
    const told = (how: string | undefined, bad: number) => {
      if (how === undefined) record.complaints.delete(key);
      else record.complaints.set(key, `${how}, ${bad} of ${pace.failures} times`);
    };
    yield untilBad(probe, pace, clock, signal, told).then((how) => ({ key, how: `${how}, ${pace.failures} times` }));
  }
  if (settings.notify !== undefined) {
    record.silence ??= settings.notify;
    yield untilSilent(record, clock, signal).then((how) => ({ key: 'alive.notify', how }));
  }
}

/** Resolves when it has not said for too long that it is alive, or says that it is not. */
function untilSilent(record: HealthRecord, clock: Clock, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    let cancel = () => undefined as void;
    record.sign = () => {
      cancel();
      const { silence = Infinity } = record;
      cancel = clock.after(silence, () => resolve(`has not said for ${silence / 1000} s that it is alive`));
    };
    record.troubled = () => resolve('says that it is in trouble');
    signal.addEventListener('abort', () => {
      cancel();
      record.sign = record.troubled = () => undefined;
    });
    record.sign();
  });
}

function replace(process: Process, watcher: Watcher, { log, by, unhealthy }: WatchTools, reason: string): void {
  if (process.stopping) return;
  log.warn(`${watcher.name}: process ${process.pid} is replaced: ${reason}`);
  unhealthy(process, reason);
  // Not one more first, as in a reload: this one serves nobody, and may hold what its successor needs.
  void watcher.kill([process], { by });
}
