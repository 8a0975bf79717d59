/** Ways to end as people list them: `0, 3, SIGTERM`. */
import type { Exit } from '#core';
import { nearestSignal, signalNumber } from './signal.js';

/** Exit codes, and numbers of signals. */
export interface Endings {
  readonly codes: ReadonlySet<number>;
  readonly signals: ReadonlySet<number>;
}

const highestCode = 255;
const highestSignal = 64;

/** The words of a list: an array, a single number, or a text with commas or blanks. */
function wordsIn(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? (value as readonly unknown[]) : [value ?? ''];
  return all
    .flatMap((one) => (typeof one === 'string' ? one : (JSON.stringify(one) ?? '')).split(/[\s,]+/))
    .filter(Boolean);
}

/** Reads a list of exit codes, 0 to 255, and of signals by name. @throws Error whose message goes on after the key's name */
export function readEndings(value: unknown): Endings {
  const codes = new Set<number>();
  const signals = new Set<number>();
  for (const word of wordsIn(value)) {
    if (/^\d+$/.test(word)) {
      if (Number(word) > highestCode) throw new Error(`has ${word}: exit codes are 0 to ${highestCode}`);
      codes.add(Number(word));
      continue;
    }
    const signal = /^[a-z]/i.test(word) ? (signalNumber(word) ?? 0) : 0;
    if (signal < 1 || signal > highestSignal)
      throw new Error(`has ${JSON.stringify(word)}, which is neither an exit code nor a signal${nearestSignal(word)}`);
    signals.add(signal);
  }
  return { codes, signals };
}

/** True for an end that the list has. */
export const isAmong = ({ codes, signals }: Endings, { code, signal }: Pick<Exit, 'code' | 'signal'>): boolean =>
  signal === null ? code !== null && codes.has(code) : signals.has(signal);

/** True for an end that is a success: code 0, or what `success_exit_codes` of these options has. */
export function endedWell(options: Readonly<Record<string, unknown>>, exit: Pick<Exit, 'code' | 'signal'>): boolean {
  return exit.code === 0 || isAmong(readEndings(options['success_exit_codes']), exit);
}
