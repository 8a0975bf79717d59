/** Restart intensity as a pure function of when a process ended. */
import type { Verdict } from '#core';

/** When to call it flapping, and what to do then; times in ms. */
export interface Limits {
  /** So many ends... */
  readonly attempts: number;
  /** ...within this time are flapping. */
  readonly window: number;
  /** The pause before the next attempt. */
  readonly retry_in: number;
  /** Pauses before giving up; -1: never. */
  readonly max_retry: number;
}

/** What is remembered of one slot: the last ends (ms), and the pauses made in a row. */
export interface Ends {
  readonly times: readonly number[];
  readonly tries: number;
}

export const noEnds: Ends = { times: [], tries: 0 };

/** Adds an end; the verdict is undefined while the slot does not flap. */
export function judge(
  { times, tries }: Ends,
  now: number,
  limits: Limits,
): { readonly ends: Ends; readonly verdict: Verdict | undefined } {
  const recent = [...times, now].slice(-limits.attempts);
  if (recent.length < limits.attempts) return { ends: { times: recent, tries }, verdict: undefined };
  if (now - recent[0]! > limits.window) return { ends: { times: recent, tries: 0 }, verdict: undefined };
  if (limits.max_retry >= 0 && tries >= limits.max_retry) return { ends: noEnds, verdict: 'stop' };
  return { ends: { times: [], tries: tries + 1 }, verdict: { retryIn: limits.retry_in } };
}
