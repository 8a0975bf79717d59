/** Processes that ask themselves to be replaced. */
import { sleep, type PluginContext, type Process } from '#core';
import { plain } from '../plain.js';
import type { Replacements } from '../replacements.js';
import type { Records } from './records.js';

/** After a replacement that came to nothing, in ms. */
const pause = 30_000;
const mostLetters = 200;

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
