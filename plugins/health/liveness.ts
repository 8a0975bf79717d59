/** The watch over processes that run: who does not answer any more is replaced. */
import { reasonOf, type Clock, type PluginContext, type Process, type Watcher } from '#core';
import type { Probe } from '../ask.js';
import type { Replacements } from '../replacements.js';
import { act, type Failure } from './action.js';
import { askLag, reportingOf } from './lag-reports.js';
import { probesOf } from './probe.js';
import type { HealthRecord } from './records.js';
import type { Tools } from './readiness.js';
import { untilBad, untilGood } from './schedule.js';
import type { AliveSettings } from './settings.js';

/** What it takes to watch. */
export interface WatchTools extends Tools, Pick<PluginContext, 'log' | 'by'> {
  readonly replacements: Replacements;
  /** Publishes an event about a process. */
  readonly publish: (event: string, process: Process, reason: string) => void;
  /** The folder of the configuration, and where the daemon takes commands. */
  readonly folder: string;
  readonly endpoint: string | undefined;
}

/** A condition that is not met any more. */
interface Broken extends Failure {
  /** Resolves when it is met again. */
  readonly well: () => Promise<void>;
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
  const begun = async () => {
    const { well, ...failure } = await Promise.race(failures);
    await act(process, watcher, failure, settings, tools, signal);
    if (signal.aborted || process.stopping) return;
    // Whoever was told is not told again before it was well in between.
    if (settings.action.does === 'event' || settings.action.does === 'exec') {
      await well();
      tools.log.info(`${watcher.name}: process ${process.pid} is well again: ${failure.key}`);
      tools.publish('healthy', process, failure.key);
    }
    unwatch(record);
    watchOver(process, watcher, tools);
  };
  begun().catch((error: unknown) => {
    // What rejects has ended, or the plugin closes.
    if (!signal.aborted) tools.log.error(`${watcher.name}: ${reasonOf(error)}`);
  });
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
): Iterable<Promise<Broken>> {
  const { clock } = arbiter;
  const pace = {
    ...settings,
    interval: () => settings.interval,
    patience: settings.timeout,
    successes: settings.success_threshold,
    failures: settings.failure_threshold,
  };
  const probes = new Map<string, Probe>(probesOf(settings, process, run, settings.timeout));
  const reporting = reportingOf(process.spec);
  if (settings.loop_lag !== undefined && reporting)
    probes.set('loop_lag', askLag(record, settings.loop_lag, reporting, clock));
  for (const [name, probe] of probes) {
    const key = `alive.${name}`;
    const told = (how: string | undefined, bad: number) => {
      if (how === undefined) record.complaints.delete(key);
      else record.complaints.set(key, `${how}, ${bad} of ${pace.failures} times`);
    };
    const calm = { ...pace, initial_delay: settings.interval, failures: Infinity };
    const objection = (how: string | undefined) => told(how, pace.failures);
    const well = () => untilGood(probe, calm, clock, signal, { objection, failed: () => undefined });
    yield untilBad(probe, pace, clock, signal, told).then((how) => ({
      ...{ key, well, how: `${how}, ${pace.failures} times` },
    }));
  }
  if (settings.notify !== undefined) {
    record.silence ??= settings.notify;
    const well = () => untilSign(record, signal);
    yield untilSilent(record, clock, signal).then((how) => ({ key: 'alive.notify', how, well }));
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

/** Resolves when it says again that it is alive. */
function untilSign(record: HealthRecord, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    record.sign = resolve;
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
