/** How processes that were replaced took leave of their clients. */
import { readFileSync } from 'node:fs';
import type { Clock, Exit, Process } from '#core';
import { Connections, type Sight } from './connections.js';

/** How many of the last ones of each watcher are remembered. */
const most = 20;
/** Pauses between two looks (ms): what ends at once must be caught at first, later nobody is in a hurry. */
const pauses = { first: 1, usual: 5, late: 50, lateFrom: 2000 };
/** A look that takes long is repeated the less often: it costs at most this part of the time. */
const cost = 10;
/** What was seen longer ago (ms) says nothing about the end. */
const fresh = 20;

/** What else is known of an end. */
export interface Circumstances {
  /** It has had the time to serve its clients. */
  readonly isLate: boolean;
  /** It does something about its stop signal. */
  readonly catches: boolean;
  /** It was seen right before its end. */
  readonly isFresh: boolean;
}

/**
 * How many connections were cut off by the end of a process, as far as what was seen last tells. Whoever does something
 * about the signal may have served them since: he closes the door first, or does not go with several at once.
 */
export function cutOff(
  { connections, own, listens }: Sight,
  { forced }: Pick<Exit, 'forced'>,
  { isLate, catches, isFresh }: Circumstances,
): number {
  if (forced || isLate) return connections;
  // Its children may still serve theirs.
  if (!catches) return own;
  return listens && isFresh && own > 1 ? own : 0;
}

/** True for a process that does something about a signal, or does not notice it. */
function heeds({ pid }: Process, signal: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const masks = [...status.matchAll(/^Sig(?:Cgt|Ign|Blk):\s*(\w+)$/gm)];
    return masks.some(([, mask]) => (BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n);
  } catch {
    return true;
  }
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
    const catches = heeds(process, process.stopping?.signal ?? 0);
    const begun = this.#clock.monotonic();
    let seen = begun;
    let pause = pauses.first;
    const wait = (took: number) => {
      const next = this.#clock.after(Math.max(pause, cost * took), () => void look());
      pause = seen - begun < pauses.lateFrom ? Math.min(2 * pause, pauses.usual) : pauses.late;
      this.#cancels.set(process, next);
    };
    const look = async () => {
      const before = performance.now();
      // What can't be seen any more ends.
      if (!(await connections.look()) || !process.alive || this.#closed) return;
      seen = this.#clock.monotonic();
      wait(performance.now() - before);
    };
    wait(0);
    const isFresh = () => this.#clock.monotonic() - seen <= fresh;
    void this.#note(process, (exit) => cutOff(connections.last, exit, { isLate, catches, isFresh: isFresh() }));
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
