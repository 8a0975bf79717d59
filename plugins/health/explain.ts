/** What is known of the health of a process, as sentences. */
import type { Process } from '#core';
import { wordsOf } from './readiness.js';
import type { HealthRecord } from './records.js';

/** By which rule it counts as ready, or why not; what its probes complain of; what it says about itself. */
export function explain({ state }: Process, record: HealthRecord): readonly string[] {
  const { complaints, status, leaving } = record;
  const isReady = state === 'ready';
  const findings = wordsOf(record, isReady);
  const unready = leaving ? 'it said that it stops' : record.wasReady ? 'it said that it reloads' : findings;
  return [
    ...(isReady && findings !== '' ? [`It counts as ready: ${findings}.`] : []),
    ...(state === 'unready' && unready !== '' ? [`It is not ready: ${unready}.`] : []),
    ...[...complaints].map(([key, how]) => `It may not be alive: ${key}: it ${how}.`),
    ...(status === '' ? [] : [`It says: ${status}`]),
  ];
}
