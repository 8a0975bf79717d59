/** The floor under every respawn: what ends at once, again and again, is never started again without a pause. */

/** A process that lived shorter than this (ms) ended at once. */
const quickEnd = 1000;
const freeAttempts = 3;

/** The attempts of one slot, as far as the floor needs them. */
export interface Attempts {
  /** Ends at once, or failed spawns, in a row. */
  readonly quick: number;
  /** Failed spawns in a row. */
  readonly failed: number;
}

export const noAttempts: Attempts = { quick: 0, failed: 0 };

/** After a process ended that had lived for `lived` ms. */
export function afterEnd(attempts: Attempts, lived: number): Attempts {
  return { quick: lived < quickEnd ? attempts.quick + 1 : 0, failed: 0 };
}

/** After a spawn that failed. */
export function afterFailure({ quick, failed }: Attempts): Attempts {
  return { quick: quick + 1, failed: failed + 1 };
}

/** How long to wait, in ms, before the next start: nothing for the first three, then 1 s after the last start. */
export function pauseBefore({ quick }: Attempts, sinceLastStart: number): number {
  return quick <= freeAttempts ? 0 : Math.max(0, quickEnd - sinceLastStart);
}
