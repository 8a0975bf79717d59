/** A clock that stands still until a test moves it on. */
import type { Clock } from '../../core/clock.js';

interface Timer {
  readonly at: number;
  readonly action: () => void;
}

/** Lets everything run that waits for nothing but its turn. */
export async function flush(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Time as a test wants it. Timers run in `advance` only, each at its own time, in order. */
export class FakeClock implements Clock {
  #elapsed = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return 1_000_000_000_000 + this.#elapsed;
  }

  monotonic(): number {
    return 1_000_000 + this.#elapsed;
  }

  after(delay: number, action: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, delay), action };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** How long each pending timer still has to wait, soonest first, in ms. */
  get pending(): readonly number[] {
    return [...this.#timers].map(({ at }) => at - this.#elapsed).sort((a, b) => a - b);
  }

  /** Moves time on; what waits only for its turn has run when it resolves. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    for (;;) {
      await flush();
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#elapsed = next.at;
      next.action();
    }
    this.#elapsed = end;
  }
}
