/** What is outside is asked while somebody waits for it, with growing pauses, and left alone else. Times are in ms. */
import { reasonOf, sleep, type Clock, type Watcher } from '#core';
import type { Outside } from './outside.js';

/** The pauses between two questions grow by this; and how long an answer is awaited, so that a name that nobody resolves keeps one thread busy at most. */
const pace = { first: 100, growth: 1.5, longest: 5000, patience: 10_000 };
/** What was there is taken to be there so long: those who waited together start together. */
const fresh = 1000;
/** So long is waited for what is only wanted. */
const mostWanted = 30_000;

/** One thing that is, or was, waited for. */
interface Place {
  readonly outside: Outside;
  /** Who waits, and since when on the clock that never jumps. */
  readonly waiting: Map<Watcher, number>;
  /** When it was there last. */
  thereAt: number;
  /** What the last question found, as a phrase that goes on after "it", and its wall time. */
  objection: string | undefined;
  askedAt: number | undefined;
  /** Ends the pause; undefined while nothing is asked. */
  hurry: (() => void) | undefined;
}

/** Looks out for what is outside. */
export class Lookout {
  readonly #places = new Map<string, Place>();
  readonly #clock: Clock;
  readonly #closed: AbortSignal;
  readonly #tell: (watcher: Watcher) => void;

  /** `tell` hears of each answer, for each who waits. */
  constructor(clock: Clock, closed: AbortSignal, tell: (watcher: Watcher) => void) {
    this.#clock = clock;
    this.#closed = closed;
    this.#tell = tell;
    closed.addEventListener('abort', () => {
      for (const { hurry } of this.#places.values()) hurry?.();
    });
  }

  /** Has a watcher wait for something until it is released. */
  await(watcher: Watcher, outside: Outside): void {
    const place = this.#places.get(outside.text) ?? {
      ...{ outside, waiting: new Map<Watcher, number>(), thereAt: -Infinity },
      ...{ objection: undefined, askedAt: undefined, hurry: undefined },
    };
    this.#places.set(outside.text, place);
    const isNew = !place.waiting.has(watcher);
    if (isNew) place.waiting.set(watcher, this.#clock.monotonic());
    if (!place.hurry) void this.#ask(place);
    else if (isNew) place.hurry();
  }

  /** The watcher waits for nothing any more. */
  release(watcher: Watcher): void {
    for (const { waiting, hurry } of this.#places.values())
      if (waiting.delete(watcher) && waiting.size === 0) hurry?.();
  }

  /** True when it was there just now. */
  isThere({ text }: Outside): boolean {
    const place = this.#places.get(text);
    return place !== undefined && this.#clock.monotonic() - place.thereAt < fresh;
  }

  /** True when a watcher has waited for it for as long as one does for what is only wanted. */
  isOverdue(watcher: Watcher, { text }: Outside): boolean {
    const since = this.#places.get(text)?.waiting.get(watcher);
    return since !== undefined && this.#clock.monotonic() - since >= mostWanted;
  }

  /** What the last question found, and when by the wall clock; undefined when nobody has asked yet. */
  finding({ text }: Outside): { readonly how: string; readonly at: number } | undefined {
    const { objection, askedAt } = this.#places.get(text) ?? {};
    return objection === undefined || askedAt === undefined ? undefined : { how: objection, at: askedAt };
  }

  async #ask(place: Place): Promise<void> {
    const { first, growth, longest } = pace;
    for (let pause = first; ; pause = Math.min(pause * growth, longest)) {
      const pausing = new AbortController();
      place.hurry = () => pausing.abort();
      place.objection = await this.#answer(place);
      place.askedAt = this.#clock.now();
      if (place.objection === undefined) place.thereAt = this.#clock.monotonic();
      // Each who waits hears of it: it may be there, or not be waited for any longer.
      for (const watcher of place.waiting.keys()) this.#tell(watcher);
      if (place.objection === undefined || place.waiting.size === 0 || this.#closed.aborted) break;
      await sleep(this.#clock, pause, pausing.signal);
      if (place.waiting.size === 0 || this.#closed.aborted) break;
      if (pausing.signal.aborted) pause = first / growth;
    }
    place.hurry = undefined;
  }

  /** One question, with an end. */
  async #answer({ outside }: Place): Promise<string | undefined> {
    const over = new AbortController();
    const end = () => over.abort();
    this.#closed.addEventListener('abort', end, { once: true });
    const late = sleep(this.#clock, pace.patience, over.signal).then(
      () => `does not answer within ${pace.patience / 1000} s`,
    );
    try {
      return await Promise.race([outside.probe(over.signal), late]);
    } catch (error) {
      return `can't be asked: ${reasonOf(error)}`;
    } finally {
      over.abort();
      this.#closed.removeEventListener('abort', end);
    }
  }
}
