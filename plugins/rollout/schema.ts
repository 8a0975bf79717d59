/** The keys `reload.*` as schemas; times come out in ms. */
import * as v from 'valibot';
import { isCommand, readCommand } from '../exec.js';
import { didYouMean } from '../nearest.js';
import { boolean, integer, seconds } from '../schema.js';
import { nearestSignal, SIGKILL, signalNumber } from '../signal.js';

/** How a process is told to leave its clients to others: by a signal, or a command. */
export type Drain = { readonly signal: number } | { readonly words: readonly string[] };

/** How many copies of so many processes. */
export type Share = (numprocesses: number) => number;

const orders = ['start_first', 'stop_first'] as const;
const lastSignal = 64;

/** Reads what `reload.drain` says. @throws Error that goes on after the value */
function readDrain(text: string): Drain {
  if (isCommand(text)) return { words: readCommand(text) };
  const signal = signalNumber(text);
  if (signal === undefined || signal < 1 || signal > lastSignal)
    throw new Error(`is neither a signal${nearestSignal(text)} nor exec:COMMAND`);
  if (signal === SIGKILL) throw new Error('leaves no time for anything');
  return { signal };
}

/** Reads a number of copies, or a part of them. @throws Error that goes on after the value */
function readShare(text: string): Share {
  const [, digits, percent] = /^(\d+)\s*(%?)$/.exec(text) ?? [];
  const number = Number(digits);
  if (!(number > 0) || (percent && number > 100))
    throw new Error('is neither a number of copies above 0 nor a part of them such as 25%');
  return percent ? (numprocesses) => Math.max(1, Math.ceil((numprocesses * number) / 100)) : () => number;
}

/** A text, or a number as one, that is read by `read`. */
const readBy = <T>(read: (text: string) => T) =>
  v.pipe(
    v.union([v.string(), v.number()], 'it is no text'),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const text = String(dataset.value).trim();
      try {
        return read(text);
      } catch (error) {
        addIssue({ message: `"${text}" ${(error as Error).message}` });
        return NEVER;
      }
    }),
  );

const order = readBy((text) => {
  const found = orders.find((name) => name === text);
  if (found === undefined) throw new Error(`is neither ${orders.join(' nor ')}${didYouMean(text, orders)}`);
  return found;
});

/** The keys, without `reload.`. */
export const fields = {
  batch: v.pipe(integer(), v.minValue(1, 'it is at least 1')),
  surge: v.pipe(integer(), v.minValue(0, 'it is at least 0')),
  pause: seconds(''),
  canary: boolean(),
  canary_time: v.pipe(seconds(''), v.minValue(1, 'it is no time at all')),
  canary_share: readBy(readShare),
  order,
  drain: readBy(readDrain),
};

export const schema = v.partial(v.object(fields));

export type Given = v.InferOutput<typeof schema>;
