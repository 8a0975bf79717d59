/** How processes that were replaced took leave of their clients. */
import type { Clock, Exit, Process } from '#core';
import { Connections, type Sight } from './connections.js';

/** How many of the last ones of each watcher are remembered. */
const most = 20;
/** Pauses between two looks (ms): at first what ends at once must be caught, later nobody is in a hurry. */
const pauses = { first: 5, later: 50, lateFrom: 2000 };
/** A look that takes long is repeated the less often: it costs at most this part of the time. */
const cost = 10;

/**
 * How many connections were cut off by the end of a process, as far as what was seen last tells: one that serves to the end
 * may have closed its last connection since. Whoever drains closes the door first, or at least does not go with several.
 */
export function cutOff(
  { connections, listens }: Sight,
  { signal, forced }: Pick<Exit, 'signal' | 'forced'>,
  isLate: boolean,
): number {
  const isSure = forced || isLate || (listens && (signal !== null || connections > 1));
  return isSure ? connections : 0;
}

/** Notes how many connections were still open when a process ended. */
export class Partings {
  readonly #clock: Clock;
  /** Open connections of the last processes that were replaced, by watcher, oldest first. */
  readonly #open = new Map<string, number[]>();
  readonly #cancels = new Map<Process, () => void>();
  #closed = false;
  readonly #leaving = new WeakMap<Process, { readonly connections: Connections; isLate: boolean }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at a process that is to be replaced for the first time: its doors are known from then on. */
  async expect(process: Process): Promise<Connections> {
    const connections = new Connections(process);
    this.#leaving.set(process, { connections, isLate: false });
    await connections.look();
    return connections;
  }

  /** Notes that a process has had the time to serve its clients, and still has some. */
  isLate(process: Process): void {
    const leaving = this.#leaving.get(process);
    if (leaving) leaving.isLate = true;
  }

  /** Looks at one that was expected from now on, which is right before its signal, until its end. */
  watch(process: Process): void {
    const leaving = this.#leaving.get(process);
    if (!leaving) return;
    const { connections, isLate } = leaving;
    const begun = this.#clock.monotonic();
    const wait = (took: number) => {
      const pause = this.#clock.monotonic() - begun < pauses.lateFrom ? pauses.first : pauses.later;
      const next = this.#clock.after(Math.max(pause, cost * took), () => void look());
      this.#cancels.set(process, next);
    };
    const look = async () => {
      const before = performance.now();
      // What can't be seen any more ends.
      if ((await connections.look()) && process.alive && !this.#closed) wait(performance.now() - before);
    };
    wait(0);
    void this.#note(process, (exit) => cutOff(connections.last, exit, isLate));
  }

  async #note(process: Process, judge: (exit: Exit) => number): Promise<void> {
    const cut = judge(await process.ended);
    this.#cancels.get(process)?.();
    this.#cancels.delete(process);
    this.#open.set(process.watcher, [...this.of(process.watcher), cut].slice(-most));
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
    this.#closed = true;
    for (const cancel of this.#cancels.values()) cancel();
  }
}
