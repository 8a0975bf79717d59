/** The steps of a stop as people write them: `TERM 10, INT 5, KILL`. */
import { constants } from 'node:os';
import { didYouMean } from './nearest.js';
import { SIGKILL, signalNumber } from './signal.js';
import { readSeconds } from './units.js';

const lastSignal = 64;
/** In seconds; far beyond any use. */
const longest = 1e9;
/** More than anybody wants; each is a timer. */
const mostSteps = 16;
const names = Object.keys(constants.signals).map((name) => name.slice(3));
const nameOf = (signal: number) => names.find((name) => signalNumber(name) === signal) ?? String(signal);

/** One step: its signal by name, or by number where it has none, and its seconds; none for KILL. @throws Error */
function readStep(step: string): string {
  const [, word = '', time = ''] = /^(\S*)\s*(.*)$/s.exec(step)!;
  const wrong = (why: string) => new Error(`has the step ${JSON.stringify(step)}, ${why}`);
  const signal = signalNumber(word);
  if (word === '') throw new Error('has an empty step');
  if (signal === undefined || signal < 1 || signal > lastSignal)
    throw wrong(`and ${JSON.stringify(word)} is no signal${didYouMean(word.replace(/^sig/i, ''), names)}`);
  if (signal === SIGKILL && time === '') return nameOf(signal);
  if (signal === SIGKILL) throw wrong('and KILL takes no time: nothing is left to wait for');
  if (time === '') throw wrong(`which needs the seconds after it, such as "${word} 10"`);
  const seconds = readSeconds(time) ?? NaN;
  if (!(seconds >= 0 && seconds <= longest))
    throw wrong(`and ${JSON.stringify(time)} is no number of seconds, or time such as 1m30s`);
  // To the millisecond, so that it is written without an exponent.
  return `${nameOf(signal)} ${Math.round(seconds * 1000) / 1000}`;
}

/**
 * The steps in the form that the kernel keeps, such as `['TERM 10', 'INT 5', 'KILL']`; none for an empty text.
 * @throws Error with a sentence that goes on after the option's name
 */
export function readStopSteps(text: string): readonly string[] {
  const written = text.trim() === '' ? [] : text.split(',');
  if (written.length > mostSteps) throw new Error(`has ${written.length} steps, and ${mostSteps} is the most`);
  const steps = written.map((step) => readStep(step.trim()));
  if (steps.slice(0, -1).includes('KILL')) throw new Error('has a step after KILL, which leaves nothing to signal');
  return steps;
}
