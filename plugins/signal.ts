/** Signals as people write them: `TERM`, `SIGTERM`, `15`, `RTMIN+1`. */
import { constants } from 'node:os';
import { didYouMean } from './nearest.js';

/** The number of the signal that ends whoever gets it. */
export const SIGKILL = 9;

const numbers = new Map<string, number>([
  ...Object.entries(constants.signals).map(([name, value]) => [name.slice(3), value] as const),
  ['CLD', constants.signals.SIGCHLD],
  ['RTMIN', 34],
  ['RTMAX', 64],
]);

/**
 * The number of a signal, from a number, its digits, or a name with or without SIG, to which something may be added;
 * undefined for none.
 */
export function signalNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim().toUpperCase().replace(/^SIG/, '');
  if (/^-?\d+$/.test(text)) return Number(text);
  const [, name = '', sign, offset = '0'] = /^(\w+)(?:([+-])(\d+))?$/.exec(text) ?? [];
  const base = numbers.get(name);
  return base === undefined ? undefined : base + (sign === '-' ? -1 : 1) * Number(offset);
}

/** ` (did you mean "SIGTERM"?)` for the text of no signal, as it was written with or without SIG; or nothing. */
export function nearestSignal(text: string): string {
  const word = text.trim();
  const prefix = /^sig/i.test(word) ? 'SIG' : '';
  const names = Object.keys(constants.signals).map((name) => name.slice(3 - prefix.length));
  return didYouMean(word, names);
}
