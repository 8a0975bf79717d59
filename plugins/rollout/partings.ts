/** How processes that were replaced took leave of their clients. */
import type { Clock, Process } from '#core';
import { Connections } from './connections.js';

/** How many of the last ones of each watcher are remembered. */
const most = 20;
/** Pauses between two looks (ms): at first what ends at once must be caught, later nobody is in a hurry. */
const pauses = { first: 5, later: 50, lateFrom: 2000 };
/** A look that takes long is repeated the less often: it costs at most this part of the time. */
const cost = 10;

/** Notes how many connections were still open when a process ended. */
export class Partings {
  readonly #clock: Clock;
  /** Open connections of the last processes that were replaced, by watcher, oldest first. */
  readonly #open = new Map<string, number[]>();
  readonly #cancels = new Map<Process, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at a process from now on, which is right before its signal, until its end. */
  watch(process: Process): void {
    const connections = new Connections(process);
    const begun = this.#clock.monotonic();
    let last = 0;
    const look = () => {
      const before = performance.now();
      const sight = process.alive ? connections.look() : undefined;
      // What can't be seen any more ends.
      if (!sight) return;
      last = sight.connections;
      const since = this.#clock.monotonic() - begun;
      const pause = since < pauses.lateFrom ? pauses.first : pauses.later;
      this.#cancels.set(process, this.#clock.after(Math.max(pause, cost * (performance.now() - before)), look));
    };
    look();
    void this.#note(process, () => last);
  }

  async #note(process: Process, last: () => number): Promise<void> {
    await process.ended;
    this.#cancels.get(process)?.();
    this.#cancels.delete(process);
    this.#open.set(process.watcher, [...this.of(process.watcher), last()].slice(-most));
  }

  /** How many connections each of the last processes of a watcher had open at its end, oldest first. */
  of(watcher: string): readonly number[] {
    return this.#open.get(watcher) ?? [];
  }

  forget(watcher: string): void {
    this.#open.delete(watcher);
  }

  /** Ends all looking. */
  close(): void {
    for (const cancel of this.#cancels.values()) cancel();
  }
}
