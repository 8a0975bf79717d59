/** Published events with their numbers; the last of them are kept for those who were not there. */
import type { Fields } from './command.js';
import { topicOf } from './events.js';

/**
 * How much is kept: 10,000 usual events are 1.2 MB of text and cost the daemon 2 MB of memory and 2 µs each. The second
 * limit is for events of plugins that carry a lot.
 */
const most = { events: 10_000, characters: 8 << 20 };

/** Where events go; `dropped` counts those that could not be sent. */
interface Outlet {
  put(topic: string, text: string): void;
  readonly dropped: number;
}

/** What a client has seen, and what it wants of the rest. */
export interface Wish {
  /** The number of the last event that it knows. */
  readonly since: number;
  /** The run of the daemon in which it had that number. */
  readonly boot?: string | undefined;
  /** Only the events of the watchers of these names. */
  readonly watchers?: readonly string[] | undefined;
  /** How many at most. */
  readonly limit: number;
}

/** Events in order. */
export interface Replay {
  /** This run of the daemon: numbers of another one mean other events. */
  readonly boot: string;
  readonly events: readonly Fields[];
  /** What to ask for next, as `since`. */
  readonly next: number;
  /** The number of the newest event: there is more to ask for when it is above `next`. */
  readonly last: number;
  /** How many events after `since`, of any watcher, are not kept any more; null: `since` is not of this run. */
  readonly missed: number | null;
  readonly dropped: number;
}

/** What a log can be made from again, as JSON. */
export interface EventLogState {
  readonly boot: string;
  readonly last: number;
  readonly kept: readonly (readonly [topic: string, text: string])[];
}

/** The events of one run of the daemon. */
export class EventLog {
  readonly #boot: string;
  readonly #outlet: Outlet;
  /** The number of the newest event, and of the oldest that is kept. */
  #last = 0;
  #first = 1;
  /** Two rings, in which the event `seq` is at `seq % most.events`. */
  readonly #topics: string[] = [];
  readonly #texts: string[] = [];
  #characters = 0;

  /** `state` is of the same run before this plugin was reloaded; that of another run is not used. */
  constructor(boot: string, outlet: Outlet, state?: EventLogState) {
    this.#boot = boot;
    this.#outlet = outlet;
    if (state?.boot !== boot) return;
    this.#last = state.last - state.kept.length;
    this.#first = this.#last + 1;
    for (const [topic, text] of state.kept) this.#keep(topic, text);
  }

  get state(): EventLogState {
    const numbers = Array.from({ length: this.#last - this.#first + 1 }, (_, at) => this.#first + at);
    const kept = numbers.map((seq) => [this.#topics[place(seq)]!, this.#texts[place(seq)]!] as const);
    return { boot: this.#boot, last: this.#last, kept };
  }

  /** Publishes an event with the next number, and keeps it. */
  add(topic: string, facts: Fields = {}): void {
    const text = JSON.stringify({ time: Date.now() / 1000, ...facts, seq: this.#last + 1, boot: this.#boot });
    this.#keep(topic, text);
    this.#outlet.put(topic, text);
  }

  /** The events after a number, as many as are wanted. */
  replay({ since, boot, watchers, limit }: Wish): Replay {
    const isForeign = (boot !== undefined && boot !== this.#boot) || since > this.#last;
    const from = isForeign ? 0 : since;
    const events: Fields[] = [];
    const prefixes = watchers && new Set(watchers.map((watcher) => topicOf(watcher, '')));
    let seq = Math.max(from + 1, this.#first);
    for (; seq <= this.#last && events.length < limit; seq++)
      if (!prefixes || prefixes.has(prefixOf(this.#topics[place(seq)]!))) events.push(this.#event(seq));
    const missed = isForeign ? null : Math.max(0, this.#first - 1 - from);
    return { boot: this.#boot, events, next: seq - 1, last: this.#last, missed, dropped: this.#outlet.dropped };
  }

  #event(seq: number): Fields {
    const topic = this.#topics[place(seq)];
    const { boot: _, ...facts } = JSON.parse(this.#texts[place(seq)]!) as Fields;
    return Object.assign({ seq, topic }, facts, { topic });
  }

  #keep(topic: string, text: string): void {
    const seq = ++this.#last;
    if (seq - this.#first >= most.events) this.#forget();
    this.#topics[place(seq)] = topic;
    this.#texts[place(seq)] = text;
    this.#characters += text.length;
    while (this.#characters > most.characters) this.#forget();
  }

  #forget(): void {
    const at = place(this.#first++);
    this.#characters -= this.#texts[at]!.length;
    this.#texts[at] = '';
  }
}

const place = (seq: number) => seq % most.events;

/** `watcher.NAME.` of `watcher.NAME.EVENT`: names have dots, events have none. */
const prefixOf = (topic: string): string => topic.slice(0, topic.lastIndexOf('.') + 1);
