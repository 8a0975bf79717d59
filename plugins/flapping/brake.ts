/** The brake on all restarts of the machine together: so many a second, and nobody before those who came earlier. */
import type { Clock } from '#core';

/** A bucket that fills with time: each restart takes one out. */
export interface Bucket {
  readonly tokens: number;
  /** When it was looked at last, in ms. */
  readonly at: number;
}

/** The bucket as it is now; it holds what comes in a second, and at least one. */
export function refilled({ tokens, at }: Bucket, now: number, perSecond: number): Bucket {
  const most = Math.max(1, perSecond);
  return { tokens: Math.min(most, tokens + ((now - at) / 1000) * perSecond), at: now };
}

interface Turn {
  readonly watcher: string;
  readonly go: () => void;
}

/**
 * Where processes that are to be restarted wait. A watcher starts one after the other, so each watcher has its turn: one
 * with many does not keep the others waiting. What nobody announced as a restart passes at once.
 */
export class Brake {
  readonly #clock: Clock;
  readonly #perSecond: number;
  /** The places, by watcher, that are to be restarted. */
  readonly #due = new Map<string, Set<number>>();
  #bucket: Bucket;
  #waiting: readonly Turn[] = [];
  #cancel: (() => void) | undefined;

  /** No limit where `perSecond` is 0. */
  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#bucket = { tokens: Math.max(1, perSecond), at: clock.monotonic() };
  }

  /** Announces the restart of a place. */
  expect(watcher: string, wid: number): void {
    this.#due.set(watcher, (this.#due.get(watcher) ?? new Set()).add(wid));
  }

  /** A process was started in a place. */
  started(watcher: string, wid: number): void {
    const due = this.#due.get(watcher);
    due?.delete(wid);
    if (due?.size === 0) this.#due.delete(watcher);
  }

  /** Resolves when a process of the watcher may be started, or when the signal is aborted. */
  pass(watcher: string, signal: AbortSignal): Promise<void> {
    if (this.#perSecond === 0 || signal.aborted || !this.#due.has(watcher)) return Promise.resolve();
    if (this.#waiting.length === 0 && this.#take()) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', go);
        this.#drop(go);
        resolve();
      };
      signal.addEventListener('abort', go);
      this.#waiting = [...this.#waiting, { watcher, go }];
      this.#wait();
    });
  }

  /** True while a process of the watcher waits. */
  holds(watcher: string): boolean {
    return this.#waiting.some((turn) => turn.watcher === watcher);
  }

  /** Forgets what is due in a watcher, and lets it go on at once. */
  release(watcher: string): void {
    this.#due.delete(watcher);
    for (const turn of this.#waiting) if (turn.watcher === watcher) turn.go();
  }

  /** Lets all go on. */
  close(): void {
    for (const turn of this.#waiting) turn.go();
  }

  #drop(go: () => void): void {
    this.#waiting = this.#waiting.filter((turn) => turn.go !== go);
    if (this.#waiting.length > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #take(): boolean {
    this.#bucket = refilled(this.#bucket, this.#clock.monotonic(), this.#perSecond);
    // Fractions must not make it wait once more.
    if (this.#bucket.tokens < 1 - 1e-6) return false;
    this.#bucket = { ...this.#bucket, tokens: this.#bucket.tokens - 1 };
    return true;
  }

  #wait(): void {
    const pause = ((1 - this.#bucket.tokens) / this.#perSecond) * 1000;
    this.#cancel ??= this.#clock.after(Math.ceil(pause), () => {
      this.#cancel = undefined;
      for (let [turn] = this.#waiting; turn && this.#take(); [turn] = this.#waiting) turn.go();
      if (this.#waiting.length > 0) this.#wait();
    });
  }
}
