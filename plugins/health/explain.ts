/** What is known of the health of a process, as sentences. */
import { readFileSync } from 'node:fs';
import { signalName, stopPlan, type Process, type WatcherSpec } from '#core';
import { reportingOf } from './lag-reports.js';
import { wordsOf } from './readiness.js';
import type { HealthRecord, Records } from './records.js';
import type { HealthService } from './service.js';
import { fillIn } from './values.js';

const silent =
  'It is not watched by alive.loop_lag: it has not reported its event loop, so it is no Node program, or one that was started without NODE_OPTIONS.';
const unasked = 'It is not watched by alive.loop_lag, which was set after its start: reload it.';

/** True when a signal does to this process what the system does by itself: nobody catches, ignores or waits for it. */
function isDeafTo(signal: number, pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'latin1');
    const masks = [...text.matchAll(/^Sig(?:Blk|Ign|Cgt):\s*([0-9a-f]+)/gm)];
    return masks.length > 0 && masks.every(([, mask]) => ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 0n);
  } catch {
    return false;
  }
}

/** Whether a stop cuts requests: a server that does nothing about its signal can't finish what it is at. */
function cuts(process: Process, spec: WatcherSpec | undefined): readonly string[] {
  const serves = Object.values(process.spec.files).some((file) => typeof file === 'object' && 'descriptor' in file);
  if (!spec || !serves) return [];
  const { signal } = stopPlan(spec);
  // What a launcher leaves behind gets the signal when it has ended.
  if (![process.pid, ...process.descendants()].every((pid) => isDeafTo(signal, pid))) return [];
  return [`It has no handler for ${signalName(signal) ?? signal}: a stop cuts the requests it is at.`];
}

/**
 * By which rule it counts as ready, or why not; what its probes complain of; what it says about itself; and whether its
 * watcher's stop signal cuts its requests.
 */
export function explain(process: Process, records: Records): readonly string[] {
  const { state } = process;
  const record = records.of(process);
  const { complaints, status, leaving, retiring, lag, settings } = record;
  const isWatched = settings.alive.loop_lag !== undefined;
  const isAsked = reportingOf(process.spec) !== undefined;
  const isReady = state === 'ready';
  const findings = wordsOf(record, isReady);
  const unready = leaving ? 'it said that it stops' : record.wasReady ? 'it said that it reloads' : findings;
  return [
    ...(isReady && findings !== '' ? [`It counts as ready: ${findings}.`] : []),
    ...(state === 'unready' && unready !== '' ? [`It is not ready: ${unready}.`] : []),
    ...[...complaints].map(([key, how]) => `It may not be alive: ${key}: it ${how}.`),
    ...(retiring === undefined ? [] : [`It asked to be replaced${retiring && `: ${retiring}`}.`]),
    ...(isWatched && lag ? [`Its event loop was blocked for ${lag.last} ms at most when it reported last.`] : []),
    ...(isWatched && !lag ? [isAsked ? silent : unasked] : []),
    ...(status === '' ? [] : [`It says: ${status}`]),
    ...cuts(process, records.watcherSpec(process)),
  ];
}

/** The first thing that keeps a process from being ready, for those who wait for it. */
export function objectionTo(
  process: Process,
  { findings, settings }: HealthRecord,
): ReturnType<HealthService['objection']> {
  const [key, finding] = [...findings].find(([, { met }]) => !met) ?? [];
  if (process.state !== 'unready' || key === undefined || finding === undefined) return undefined;
  const name = key.replace('ready.', '');
  const { how, at } = finding;
  // Whoever waits knows the address by which it was asked.
  const address = name === 'tcp' || name === 'http' ? settings.ready[name] : undefined;
  if (address === undefined) return { how: `${key}: it ${how}`, at };
  return { how: `${name} ${fillIn(address, process.wid, process.spec.env)} ${how}`, at };
}
