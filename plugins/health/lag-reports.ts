/** What Node programs tell about their event loops: how they are asked to, and what follows. */
import type { Clock, FileSpec, ProcessSpec } from '#core';
import type { Probe } from '../ask.js';

/** The variable that asks for reports. */
export const lagVariable = 'CIRCUS_LAG';

/** What a process is told. */
export interface LagReporting {
  readonly fd: number;
  /** The time between two reports, in ms. */
  readonly every: number;
  /** How exactly it measures, in ms. */
  readonly resolution: number;
  /** What was added to NODE_OPTIONS. */
  readonly option: string;
}

/** What is known of an event loop: times in ms. */
export interface Lag {
  /** When the last report came, on the monotonic clock, and what it said. */
  readonly at: number;
  readonly last: number;
  /** The longest since somebody asked. */
  readonly longest: number;
}

/** Descriptors of sockets begin above this one, and Node closes those below 16 for what it starts: npm passes it on. */
const highest = 63;
const rates = { least: 100, most: 2000 };
const fewest = 10;

/** A process that is asked to report by the module `preload`, with variables and a descriptor for it. */
export function withLagReports(
  process: ProcessSpec,
  limit: number,
  interval: number,
  preload: string,
): Pick<ProcessSpec, 'files' | 'env'> {
  const files: Record<number, FileSpec> = { ...process.files };
  let fd = highest;
  while (files[fd] !== undefined) fd--;
  files[fd] = 'pipe';
  const option = `--require ${JSON.stringify(preload)}`;
  const every = Math.min(rates.most, Math.max(rates.least, interval / 2));
  const reporting: LagReporting = { fd, every, resolution: Math.max(fewest, Math.round(limit / 10)), option };
  const { NODE_OPTIONS: given = '' } = process.env;
  const env = {
    ...process.env,
    NODE_OPTIONS: `${given} ${option}`.trim(),
    [lagVariable]: JSON.stringify(reporting),
  };
  return { files, env };
}

/** What a process was asked for when it was started; undefined: nothing that we asked for. */
export function reportingOf({ env }: ProcessSpec): LagReporting | undefined {
  try {
    return JSON.parse(env[lagVariable] ?? '') as LagReporting;
  } catch {
    return undefined;
  }
}

/** What is known after some more lines of reports. */
export function withReports(lag: Lag | undefined, lines: readonly string[], at: number): Lag | undefined {
  const values = lines.filter((line) => /^\d+$/.test(line)).map(Number);
  const last = values.at(-1);
  return last === undefined ? lag : { at, last, longest: Math.max(lag?.longest ?? 0, ...values) };
}

/**
 * Asks whether an event loop was blocked for longer than `limit` since it was asked the last time. Of one that never
 * reported nothing is known: it is no Node program.
 */
export function askLag(record: { lag: Lag | undefined }, limit: number, { every }: LagReporting, clock: Clock): Probe {
  return async () => {
    const { lag } = record;
    if (!lag) return undefined;
    record.lag = { ...lag, longest: 0 };
    const silence = clock.monotonic() - lag.at;
    // A report may be late by what is allowed, and one may be on its way.
    if (silence > 2 * every + limit)
      return `has not reported for ${(silence / 1000).toFixed(1)} s: its event loop hangs`;
    return lag.longest > limit ? `had its event loop blocked for ${lag.longest} ms` : undefined;
  };
}
