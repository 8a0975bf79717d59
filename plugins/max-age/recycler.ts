/** The timers of processes that must not get too old, and what is done when one runs out. */
import type { Arbiter, Log, Operation, PluginContext, Process, Watcher } from '#core';
import { agesOf, timeLeft } from './age.js';

/** After a replacement that came to nothing, in ms. */
const pause = 30_000;

/** Replaces processes that are too old, of each watcher one after the other. */
export class Recycler {
  readonly #arbiter: Arbiter;
  readonly #log: Log;
  readonly #by: string;
  readonly #closed: AbortSignal;
  readonly #timers = new Map<Process, () => void>();
  readonly #operations = new Map<Process, Operation>();
  /** Drawn once for each process: drawn again and again, it would soon be small. */
  readonly #shares = new WeakMap<Process, number>();

  constructor({ arbiter, log, by, signal }: Pick<PluginContext, 'arbiter' | 'log' | 'by' | 'signal'>) {
    this.#arbiter = arbiter;
    this.#log = log;
    this.#by = by;
    this.#closed = signal;
  }

  /** Sets the timer of a process, also anew after its watcher was changed; it does not run out before `least` ms are over. */
  schedule(process: Process, watcher: Watcher, least = 0): void {
    this.forget(process);
    const ages = agesOf(watcher.spec.options);
    const share = this.#shares.get(process) ?? Math.random();
    this.#shares.set(process, share);
    const left = ages && timeLeft(ages, share, process.age);
    const operation = this.#operations.get(process);
    // It is scheduled anew when that has been cancelled.
    if (operation) return left === 0 ? undefined : operation.cancel(this.#by);
    if (left === undefined || !process.alive || process.stopping) return;
    const expire = () => this.#expire(process, watcher);
    this.#timers.set(process, this.#arbiter.clock.after(Math.max(left, least), expire));
  }

  /** Ends the timer of a process. */
  forget(process: Process): void {
    this.#timers.get(process)?.();
    this.#timers.delete(process);
  }

  /** Ends all timers, and the replacements under way. */
  close(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const operation of this.#operations.values()) operation.cancel(this.#by);
  }

  #expire(process: Process, watcher: Watcher): void {
    const { name } = watcher;
    this.#timers.delete(process);
    // What was taken out is nobody's any more.
    if (this.#arbiter.stopping || this.#arbiter.find(name) !== watcher) return;
    const operation = watcher.replace(process, 'too old', this.#by);
    this.#operations.set(process, operation);
    const again = () => {
      this.#operations.delete(process);
      const { state, reason } = operation;
      if (state === 'failed')
        this.#log.warn(`${name}: process ${process.pid} is too old, and could not be replaced: ${reason}`);
      if (state !== 'done' && !this.#closed.aborted) this.schedule(process, watcher, pause);
    };
    operation.result.then(again, again);
  }
}
