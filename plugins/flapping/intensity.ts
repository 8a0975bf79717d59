/** Restart intensity as a pure function of how long processes lived. */
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

/** What is remembered of one slot: how long the last processes lived (ms), and the pauses made in a row. */
export interface Ends {
  readonly lives: readonly number[];
  readonly tries: number;
}

export const noEnds: Ends = { lives: [], tries: 0 };

/**
 * Adds an end; the verdict is undefined while the slot does not flap. The time between the first end and the last is
 * what was lived between them: a pause that the kernel makes on its own before a start must not count as a quiet time.
 */
export function judge(
  { lives, tries }: Ends,
  lived: number,
  limits: Limits,
): { readonly ends: Ends; readonly verdict: Verdict | undefined } {
  const recent = [...lives, lived].slice(-limits.attempts);
  if (recent.length < limits.attempts) return { ends: { lives: recent, tries }, verdict: undefined };
  const between = recent.slice(1).reduce((sum, life) => sum + life, 0);
  if (between > limits.window) return { ends: { lives: recent, tries: 0 }, verdict: undefined };
  if (limits.max_retry >= 0 && tries >= limits.max_retry) return { ends: noEnds, verdict: 'stop' };
  return { ends: { lives: [], tries: tries + 1 }, verdict: { retryIn: limits.retry_in } };
}
