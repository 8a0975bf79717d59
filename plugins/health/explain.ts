/** What is known of the health of a process, as sentences. */
import type { Process } from '#core';
import { wordsOf } from './readiness.js';
import type { HealthRecord } from './records.js';
import type { HealthService } from './service.js';
import { fillIn } from './values.js';

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
