/** What a plugin in a process of its own says to the daemon, and hears from it: a DEALER and a SUB, as Circus's plugins have. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Dealer, Subscriber } from 'zeromq';
import { CallError, type CallOptions, type PluginEvent, type Reply } from './client-plugin.js';

/** How long a call waits for its reply, a cast for somebody who takes it, in ms. */
const patience = 5000;
/** How long a reply may come after the end of its connection, in ms. */
const lastWords = 200;
/** How long closing waits for what was sent and not delivered yet, in ms. */
const linger = 500;
/** How soon a daemon that went away is looked for again, at first and at most, in ms. */
const reconnection = { reconnectInterval: 100, reconnectMaxInterval: 2000 };

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** A connection that is made again whenever the daemon is there. */
export class DaemonClient {
  readonly #endpoint: string;
  readonly #dealer: Dealer;
  readonly #subscriber: Subscriber;
  readonly #pending = new Map<string, Pending>();
  /** zeromq takes one message at a time. */
  #sending: Promise<unknown> = Promise.resolve();

  /** @throws Error for an address that is none, or when the package zeromq is missing */
  constructor(endpoint: string, pubsub: string) {
    // Only now, as a look at a plugin needs none.
    const { Dealer, Subscriber } = createRequire(import.meta.url)('zeromq') as typeof import('zeromq');
    this.#endpoint = endpoint;
    // Nothing waits inside for a daemon: a command must not be carried out an hour later.
    const routingId = randomBytes(16).toString('hex');
    this.#dealer = new Dealer({ linger, routingId, immediate: true, ...reconnection });
    this.#subscriber = new Subscriber({ linger: 0, receiveHighWaterMark: 10_000, ...reconnection });
    this.#dealer.connect(endpoint);
    this.#subscriber.connect(pubsub);
    this.#subscriber.subscribe('watcher.');
    this.#dealer.events.on('disconnect', () => {
      const lost = [...this.#pending.values()];
      const error = new Error(`the daemon at ${endpoint} went away before it had answered`);
      setTimeout(() => lost.forEach(({ reject }) => reject(error)), lastWords);
    });
    this.#receive().catch(() => undefined);
  }

  /** Asks, and resolves with the reply. @throws CallError when it tells of an error; Error when there is none */
  async call(
    command: string,
    properties: Readonly<Record<string, unknown>> = {},
    { timeout = properties['waiting'] === true ? Infinity : patience }: CallOptions = {},
  ): Promise<Reply> {
    const id = randomBytes(16).toString('hex');
    let timer: NodeJS.Timeout | undefined;
    try {
      const reply = await new Promise<Reply>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject });
        if (timeout < Infinity) {
          const late = new Error(`the daemon at ${this.#endpoint} has not answered "${command}" within ${timeout} ms`);
          timer = setTimeout(() => reject(late), timeout);
        }
        const unwanted = () => !this.#pending.has(id);
        this.#send({ id, command, properties }, Math.min(timeout, patience), unwanted).catch(reject);
      });
      if (reply['status'] === 'error') throw new CallError(reply);
      return reply;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Has something done; what nobody takes within 5 s is dropped. */
  cast(command: string, properties: Readonly<Record<string, unknown>> = {}): void {
    this.#send({ command, properties, msg_type: 'cast' }, patience).catch(() => undefined);
  }

  /** What is published, until the events are closed. */
  async *events(): AsyncGenerator<PluginEvent, void> {
    for await (const [topic, message] of this.#subscriber) {
      const event = readEvent(String(topic), String(message));
      if (event) yield event;
    }
  }

  closeEvents(): void {
    this.#subscriber.close();
  }

  /** Resolves when all is sent that was said, and the connection is closed. */
  async close(): Promise<void> {
    await this.#sending;
    this.closeEvents();
    this.#dealer.close();
  }

  #send(request: object, within: number, unwanted = () => false): Promise<void> {
    const sent = this.#deliver(this.#sending, request, performance.now() + within, unwanted);
    this.#sending = sent.catch(() => undefined);
    return sent;
  }

  async #deliver(before: Promise<unknown>, request: object, end: number, unwanted: () => boolean): Promise<void> {
    await before;
    if (unwanted()) return;
    this.#dealer.sendTimeout = Math.max(0, Math.ceil(end - performance.now()));
    try {
      await this.#dealer.send(JSON.stringify(request));
    } catch (error) {
      throw new Error(`no daemon could be reached at ${this.#endpoint}`, { cause: error });
    }
  }

  async #receive(): Promise<void> {
    for await (const [frame] of this.#dealer) {
      const reply = readObject(String(frame));
      const id = reply?.['id'];
      if (reply && typeof id === 'string') this.#pending.get(id)?.resolve(reply);
    }
  }
}

/** `watcher.NAME.EVENT` with its data; a name may have dots. */
function readEvent(topic: string, message: string): PluginEvent | undefined {
  const [, watcher, event] = /^watcher\.(.*)\.([^.]*)$/s.exec(topic) ?? [];
  const data = readObject(message);
  return watcher === undefined || event === undefined || !data ? undefined : { topic, watcher, event, data };
}

function readObject(text: string): Reply | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Reply) : undefined;
  } catch {
    return undefined;
  }
}
