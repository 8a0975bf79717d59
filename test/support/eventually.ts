/** Waiting for something that another process does. */
import { setTimeout as sleep } from 'node:timers/promises';

/** How long to wait at most, and how long between two looks; both in ms. */
export interface Patience {
  readonly within?: number;
  readonly every?: number;
}

/**
 * Calls `check` until it neither throws nor answers something falsy but undefined, and resolves with its answer.
 * A check without an answer is an assertion. @throws the last error, when that takes too long
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { within = 10_000, every = 10 }: Patience = {},
): Promise<T> {
  const end = performance.now() + within;
  for (;;) {
    let failure: unknown;
    try {
      const answer = await check();
      if (answer || answer === undefined) return answer;
      failure = new Error(`still ${String(answer)} after ${within} ms: ${check.toString()}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= end) throw failure;
    await sleep(every);
  }
}
