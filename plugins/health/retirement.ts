/** Processes that ask themselves to be replaced. */
import { sleep, type PluginContext, type Process, type Watcher } from '#core';
import { plain } from '../plain.js';
import type { Replacements } from '../replacements.js';
import type { Records } from './records.js';

/** After a replacement that came to nothing, in ms. */
const pause = 30_000;
const mostLetters = 200;
/** A successor is not replaced before this age, in ms: one that retires at its start would be for ever. */
const youngest = 10_000;
/** When a process of a watcher retired for the first time, on the clock that never jumps: what was started later is a successor. */
const firsts = new WeakMap<Watcher, number>();

/** What it takes to retire somebody. */
export interface RetirementTools extends Pick<PluginContext, 'arbiter' | 'log'> {
  readonly records: Records;
  readonly replacements: Replacements;
  /** Publishes an event about a process. */
  readonly publish: (event: string, process: Process, reason: string) => void;
}

/** Replaces a process that asked for it, again and again until it is; asking once more does nothing. */
export async function retire(process: Process, why: string, tools: RetirementTools): Promise<void> {
  const { arbiter, log, records, replacements, publish } = tools;
  const record = records.of(process);
  const { signal } = record.life;
  if (record.retiring !== undefined || process.stopping || signal.aborted) return;
  const reason = plain(why.trim().slice(0, mostLetters), ' ');
  record.retiring = reason;
  const words = `it retires${reason && `: ${reason}`}`;
  log.info(`${process.watcher}: process ${process.pid} is replaced: ${words}`);
  publish('retiring', process, reason);
  const owner = arbiter.find(process.watcher);
  const now = arbiter.clock.monotonic();
  const first = owner && firsts.get(owner);
  if (owner && first === undefined) firsts.set(owner, now);
  else if (first !== undefined && now - process.age >= first)
    await sleep(arbiter.clock, Math.max(0, youngest - process.age), signal);
  while (!signal.aborted) {
    const watcher = arbiter.find(process.watcher);
    if (watcher) await replacements.replace(process, watcher, words);
    await sleep(arbiter.clock, pause, signal);
  }
}

/** What a message over Node's channel says about retirement: the reason, perhaps empty; undefined: nothing. */
export function retirementIn(line: string): string | undefined {
  if (!line.includes('retire')) return undefined;
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (message === 'retire') return '';
  const { circus, reason = '' } = Object(message) as { readonly circus?: unknown; readonly reason?: unknown };
  return circus === 'retire' ? String(reason) : undefined;
}
