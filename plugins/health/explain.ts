/** What is known of the health of a process, as sentences. */
import { readFileSync } from 'node:fs';
import { signalName, stopPlan, type Process, type WatcherSpec } from '#core';
import { reportingOf } from './lag-reports.js';
import { wordsOf } from './readiness.js';
import type { HealthRecord } from './records.js';

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
 * By which rule it counts as ready, or why not; what its probes complain of; what it says about itself; and whether the
 * stop signal of `spec`, its watcher's, cuts its requests.
 */
export function explain(process: Process, record: HealthRecord, spec?: WatcherSpec): readonly string[] {
  const { state } = process;
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
    ...cuts(process, spec),
  ];
}
