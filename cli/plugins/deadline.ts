/** Waiting for what others have written: a plugin's module, or its validator, may never come to an end. */
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a plugin may take for what needs no time, in ms. */
const patience = 10_000;

/** Resolves as `work` does. @throws Error when that takes too long, with `what` in its message */
export async function inTime<T>(what: string, work: PromiseLike<T> | T, ms = patience): Promise<T> {
  const over = new AbortController();
  // The timer holds the loop open: Node ends, as if all were well, when a promise is all that is left.
  const late = sleep(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`${what} has not come to an end within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    over.abort();
  }
}
