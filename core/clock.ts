import { setMaxListeners } from 'node:events';

/** Time behind one interface, so that tests own it. All values are milliseconds. */
export interface Clock {
  /** Wall time since the epoch. */
  now(): number;
  /** Time that never jumps, from an arbitrary start. */
  monotonic(): number;
  /** Calls `action` once after `delay`, unless the returned function was called before. */
  after(delay: number, action: () => void): () => void;
}

/** The longest that one timer of Node can wait. */
const longest = 2 ** 31 - 1;

/** The clock of the machine; its timers hold the event loop open. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, action) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer = setTimeout(() => (left > longest ? arm(left - longest) : action()), Math.min(Math.max(0, left), longest));
    };
    arm(delay);
    return () => clearTimeout(timer);
  },
};

/** Waits `delay`; ends early, without an error, when `signal` is aborted. */
export function sleep(clock: Clock, delay: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delay, done);
    signal?.addEventListener('abort', done);
  });
}

/** Lets other events of the loop run before going on: for loops that would otherwise hold up the control plane. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A controller on whose signal any number may wait: Node would take more than ten for a leak, and say so. */
export function manyWaiters(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A signal that is aborted with the first of these, and on which any number may wait. */
export function anyOf(...signals: readonly AbortSignal[]): AbortSignal {
  const signal = AbortSignal.any([...signals]);
  setMaxListeners(0, signal);
  return signal;
}

/** The promise's outcome, or a rejection with the signal's reason as soon as it is aborted. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted, { once: true });
    // Also after an abort, so that a later rejection is nobody's surprise.
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Something that takes time, and is told when that is over. */
type Work = (over: AbortSignal) => Promise<unknown>;

/** Waits for work, but not longer than `longest` ms, nor when `end` is aborted; what the work comes to does not matter. */
export async function within(clock: Clock, longest: number, end: AbortSignal, work: Work): Promise<void> {
  const over = manyWaiters();
  const finish = () => over.abort();
  if (end.aborted) finish();
  end.addEventListener('abort', finish);
  const cancel = clock.after(longest, finish);
  await abortable(work(over.signal), over.signal).catch(() => undefined);
  cancel();
  end.removeEventListener('abort', finish);
  finish();
}
