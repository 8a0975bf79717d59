/** Restart intensity as pure functions of how long processes lived. */

/** When to call it flapping, and what to do then, by Circus's rules; times in ms. */
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

/** The same for pauses that grow; times in ms. */
export interface GrowingLimits extends Omit<Limits, 'window'> {
  /** What lives so long has recovered. */
  readonly stable: number;
  /** Each pause is so many times the one before it... */
  readonly backoff: number;
  /** ...up to this one... */
  readonly retry_max: number;
  /** ...and shorter by up to this part of it, by chance. */
  readonly jitter: number;
  /** What comes after `max_retry` pauses. */
  readonly atLast: 'retry_later' | 'give_up';
  /** The time between two attempts then. */
  readonly retry_later: number;
}

/** What is remembered of one slot: how long the last processes lived (ms), and the pauses made in a row. */
export interface Ends {
  readonly lives: readonly number[];
  readonly tries: number;
}

/** What is to follow an end: nothing special, a pause (ms), one attempt when it is the slot's turn, or no more. */
export type Judgement = undefined | { readonly retryIn: number } | 'in turn' | 'stop';

interface Judged<J extends Judgement> {
  readonly ends: Ends;
  readonly verdict: J;
}

export const noEnds: Ends = { lives: [], tries: 0 };

/**
 * Adds an end; the verdict is undefined while the slot does not flap. The time between the first end and the last is
 * what was lived between them: a pause that the kernel makes on its own before a start must not count as a quiet time.
 */
export function judge({ lives, tries }: Ends, lived: number, limits: Limits): Judged<Exclude<Judgement, 'in turn'>> {
  const recent = [...lives, lived].slice(-limits.attempts);
  if (recent.length < limits.attempts) return { ends: { lives: recent, tries }, verdict: undefined };
  const between = recent.slice(1).reduce((sum, life) => sum + life, 0);
  if (between > limits.window) return { ends: { lives: recent, tries: 0 }, verdict: undefined };
  if (limits.max_retry >= 0 && tries >= limits.max_retry) return { ends: noEnds, verdict: 'stop' };
  return { ends: { lives: [], tries: tries + 1 }, verdict: { retryIn: limits.retry_in } };
}

/**
 * Adds a failure: the first of a row are followed at once, the others after pauses that grow. What lived for `stable`
 * begins a new row. `chance` is from 0 to 1.
 */
export function judgeGrowing(ends: Ends, lived: number, limits: GrowingLimits, chance: number): Judged<Judgement> {
  const { lives, tries } = lived >= limits.stable ? noEnds : ends;
  const recent = [...lives, lived].slice(-limits.attempts);
  if (recent.length < limits.attempts) return { ends: { lives: recent, tries }, verdict: undefined };
  const next = { lives: recent, tries: tries + 1 };
  if (!isSpent(next, limits)) return { ends: next, verdict: { retryIn: pauseAfter(tries, limits, chance) } };
  return limits.atLast === 'give_up' ? { ends: noEnds, verdict: 'stop' } : { ends: next, verdict: 'in turn' };
}

/** The pause after so many others, in ms. */
export function pauseAfter(tries: number, limits: GrowingLimits, chance: number): number {
  const grown = Math.min(limits.retry_max, limits.retry_in * limits.backoff ** tries);
  return Math.round(grown * (1 - limits.jitter * chance));
}

/** True when all tries of a slot are used up: it is half-open. */
export const isSpent = ({ tries }: Ends, { max_retry }: Pick<Limits, 'max_retry'>): boolean =>
  max_retry >= 0 && tries > max_retry;

/** How long (ms) a half-open slot waits: of all that take turns, one is tried in each `every` ms; `others` is how long those still wait. */
export function waitForTurn(others: readonly number[], every: number): number {
  return Math.max(0, ...others) + every;
}
