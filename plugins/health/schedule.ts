/** Asking again and again: when, how often, and what follows from the answers. Times are in ms. */
import { sleep, type Clock } from '#core';
import type { Probe } from '../ask.js';

/** How often is asked. */
export interface Pace {
  readonly initial_delay: number;
  /** The pause, which may change with time. */
  readonly interval: () => number;
  /** So much of the interval is added by chance, at most. */
  readonly jitter: number;
  /** How long one question may take. */
  readonly patience: number;
}

/** The pauses while something is awaited, up to the interval: most programs are there soon, and nobody waits much longer than it took. */
const firstPause = 10;
const growth = 1.3;
/** So many times as long as a turn takes, nobody else has one. */
const rest = 3;

/** Asks once, with an end; the answer is undefined when all is well. */
export async function ask(
  probe: Probe,
  patience: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<string | undefined> {
  const over = new AbortController();
  const end = () => over.abort();
  signal.addEventListener('abort', end, { once: true });
  try {
    const late = sleep(clock, patience, over.signal).then(
      () => `does not answer within ${patience / 1000} s`,
      () => undefined,
    );
    return await Promise.race([probe(over.signal), late]);
  } finally {
    over.abort();
    signal.removeEventListener('abort', end);
  }
}

const spread = ({ interval, jitter }: Pace) => interval() * (1 + Math.random() * jitter);

/** Sleeps; rejects when the signal is aborted. */
async function pause(clock: Clock, time: number, signal: AbortSignal): Promise<void> {
  await sleep(clock, time, signal);
  signal.throwIfAborted();
}

/**
 * Resolves when `successes` questions in a row were answered well; rejects when the signal is aborted. `failed` is called
 * once with the last answer after `failures` bad ones in a row. Without such a limit it asks more often in the beginning.
 */
export async function untilGood(
  probe: Probe,
  pace: Pace & { readonly successes: number; readonly failures: number | undefined },
  clock: Clock,
  signal: AbortSignal,
  told: { readonly objection: (words: string | undefined) => unknown; readonly failed: (words: string) => void },
): Promise<void> {
  let [good, bad, short] = [0, 0, pace.failures === undefined ? firstPause : Infinity];
  await pause(clock, pace.initial_delay, signal);
  for (;;) {
    const objection = await ask(probe, pace.patience, clock, signal);
    signal.throwIfAborted();
    told.objection(objection);
    good = objection === undefined ? good + 1 : 0;
    bad = objection === undefined ? 0 : bad + 1;
    if (good >= pace.successes) return;
    if (objection !== undefined && bad === pace.failures) told.failed(`${objection}, ${bad} times in a row`);
    await pause(clock, good > 0 ? spread(pace) : Math.min(short, spread(pace)), signal);
    short *= growth;
  }
}

/** Resolves with the last answer when `failures` questions in a row were answered badly; `successes` good ones forgive. */
export async function untilBad(
  probe: Probe,
  pace: Pace & { readonly successes: number; readonly failures: number },
  clock: Clock,
  signal: AbortSignal,
  told: (objection: string | undefined, bad: number) => void,
): Promise<string> {
  let [good, bad] = [0, 0];
  // The copies of a watcher begin at the same time, and are not asked at the same time.
  await pause(clock, pace.initial_delay + Math.random() * pace.jitter * pace.interval(), signal);
  for (;;) {
    const objection = await ask(probe, pace.patience, clock, signal);
    signal.throwIfAborted();
    good = objection === undefined ? good + 1 : 0;
    if (objection !== undefined) bad++;
    else if (good >= pace.successes) bad = 0;
    told(objection, bad);
    if (objection !== undefined && bad >= pace.failures) return objection;
    await pause(clock, spread(pace), signal);
  }
}

/** Lets things be done one after the other, so that they take no more than a part of the time, however many there are. */
export class Turns {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with what `action` answers when its turn has come; with undefined when the signal was aborted before. */
  take<T>(action: () => T, signal: AbortSignal): Promise<T | undefined> {
    let took = 0;
    const turn = this.#last.then(() => {
      if (signal.aborted) return undefined;
      const begun = performance.now();
      try {
        return action();
      } finally {
        took = performance.now() - begun;
      }
    });
    const pausing = () => (took > 0 ? sleep(this.#clock, took * rest) : undefined);
    this.#last = turn.then(pausing, pausing);
    return turn;
  }
}
