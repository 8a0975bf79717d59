/** Events as they are published, as an iterator that never holds more than it may. */
import type { Subscriber } from 'zeromq';
import { checkReachable } from './reach.js';
import { connectTo, loadZeroMq, socketOptions, type Curve } from './socket.js';

/** An event; facts that are not named here are there as the daemon sent them. */
export interface WatcherEvent {
  readonly topic: string;
  /** As it is in topics: in lower case, blanks as underscores; empty when the topic names none. */
  readonly watcher: string;
  /** `spawn`, `reap`, `kill`, `start`, ...: docs/reference/events.md. */
  readonly event: string;
  /** In seconds since the epoch. */
  readonly time: number;
  /** The process that it is about. */
  readonly pid?: number;
  readonly [fact: string]: unknown;
}

/** Which messages, and what becomes of them. */
export interface Subscription<T> {
  /** Beginnings of topics; without any, all. */
  readonly topics: readonly string[];
  /** How many may wait to be read. */
  readonly buffer: number;
  readonly curve: Curve | undefined;
  readonly signal: AbortSignal | undefined;
  /** Makes of a message what is handed out; undefined: nothing. */
  readonly read: (topic: string, payload: string) => T | undefined;
  readonly closed: () => void;
}

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: Error): void;
}

const over = { done: true, value: undefined } as const;

/** Messages of a publisher, from now on, for `for await`. When too many wait, the oldest are dropped and counted. */
export class EventStream<T> implements AsyncIterableIterator<T, undefined> {
  /** Resolves when events arrive, or when it has ended; it never rejects. */
  readonly ready: Promise<void>;
  readonly #subscription: Subscription<T>;
  readonly #waiting: T[] = [];
  readonly #readers: Reader<T>[] = [];
  readonly #close = () => this.close();
  #arrive: () => void = () => undefined;
  #socket: Subscriber | undefined;
  #over = false;
  #error: Error | undefined;
  #dropped = 0;

  /** Subscribes at the address; when that can't be found, the first reader gets the error. */
  constructor(address: Promise<string>, subscription: Subscription<T>) {
    this.#subscription = subscription;
    this.ready = new Promise((resolve) => (this.#arrive = resolve));
    const { signal } = subscription;
    if (signal?.aborted) queueMicrotask(this.#close);
    signal?.addEventListener('abort', this.#close);
    address.then((found) => this.#listen(found)).catch((error: Error) => this.#fail(error));
  }

  /** How many were not handed out, as too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#waiting.length > 0) return Promise.resolve({ value: this.#waiting.shift()! });
    if (this.#over) return Promise.resolve(over);
    return new Promise((resolve, reject) => void this.#readers.push({ resolve, reject }));
  }

  /** Ends it, as `break` in a `for await` does. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.close();
    return Promise.resolve(over);
  }

  /** Ends it: whoever reads is told so, and what waits is forgotten. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting.length = 0;
    const { signal, closed } = this.#subscription;
    signal?.removeEventListener('abort', this.#close);
    this.#socket?.close();
    this.#arrive();
    for (const reader of this.#readers.splice(0)) reader.resolve(over);
    closed();
  }

  #fail(error: Error): void {
    if (this.#over) return;
    const reader = this.#readers.shift();
    if (reader) reader.reject(error);
    else this.#error = error;
    this.close();
  }

  async #listen(address: string): Promise<void> {
    if (this.#over) return;
    const { topics, curve } = this.#subscription;
    checkReachable(address);
    const { Subscriber } = loadZeroMq();
    const socket = new Subscriber(socketOptions(curve));
    socket.events.on('handshake', () => this.#arrive());
    connectTo(socket, address);
    socket.subscribe(...(topics.length === 0 ? [''] : topics));
    this.#socket = socket;
    try {
      for await (const [topic, payload] of socket) if (payload) this.#put(String(topic), String(payload));
    } catch (error) {
      // One that is closed in the middle of a message says so here.
      if (!this.#over) throw error;
    }
  }

  #put(topic: string, payload: string): void {
    const item = this.#subscription.read(topic, payload);
    if (item === undefined || this.#over) return;
    const reader = this.#readers.shift();
    if (reader) return reader.resolve({ value: item });
    if (this.#waiting.push(item) <= this.#subscription.buffer) return;
    this.#waiting.shift();
    this.#dropped++;
  }
}

/** The name of a watcher as topics have it. */
export const nameInTopics = (watcher: string): string => watcher.toLowerCase().replaceAll(' ', '_');

/** An event from its two frames; undefined when the second is no JSON object. */
export function readEvent(topic: string, payload: string): WatcherEvent | undefined {
  let facts: unknown;
  try {
    facts = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (typeof facts !== 'object' || facts === null || Array.isArray(facts)) return undefined;
  const [, watcher = '', event = topic] = /^watcher\.(.*)\.([^.]*)$/s.exec(topic) ?? [];
  const { process_pid: pid, time } = facts as Readonly<Record<string, unknown>>;
  return {
    ...facts,
    topic,
    watcher,
    event,
    time: typeof time === 'number' ? time : Date.now() / 1000,
    ...(typeof pid === 'number' && { pid }),
  };
}
