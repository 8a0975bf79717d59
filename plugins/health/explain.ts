/** What is known of the health of a process, as sentences. */
import type { Process } from '#core';
import { reportingOf } from './lag-reports.js';
import { wordsOf } from './readiness.js';
import type { HealthRecord } from './records.js';

const silent =
  'It is not watched by alive.loop_lag: it has not reported its event loop, so it is no Node program, or one that was started without NODE_OPTIONS.';
const unasked = 'It is not watched by alive.loop_lag, which was set after its start: reload it.';

/** By which rule it counts as ready, or why not; what its probes complain of; what it says about itself. */
export function explain({ state, spec }: Process, record: HealthRecord): readonly string[] {
  const { complaints, status, leaving, retiring, lag, settings } = record;
  const isWatched = settings.alive.loop_lag !== undefined;
  const isAsked = reportingOf(spec) !== undefined;
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
  ];
}
