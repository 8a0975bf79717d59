/** Signals as people write them: `TERM`, `SIGTERM`, `15`, `RTMIN+1`. */
import { constants } from 'node:os';

/** The number of the signal that ends whoever gets it. */
export const SIGKILL = 9;

const realTime = /^(RTMIN|RTMAX)(?:([+-])(\d+))?$/;

/** The number of a signal, from a number, its digits, or a name with or without SIG; undefined for none. */
export function signalNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const name = value.trim().toUpperCase().replace(/^SIG/, '');
  if (/^-?\d+$/.test(name)) return Number(name);
  const [, base, sign, offset = '0'] = realTime.exec(name) ?? [];
  if (base) return (base === 'RTMIN' ? 34 : 64) + (sign === '-' ? -1 : 1) * Number(offset);
  return (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`];
}
