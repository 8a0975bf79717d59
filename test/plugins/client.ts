/** A client of the controller, as Circus's are: a DEALER for requests, a SUB for events. */
import { randomUUID } from 'node:crypto';
import { Dealer, Subscriber } from 'zeromq';
import type { End } from '#plugins/controller/history.js';
import { eventually } from '../support/eventually.js';

export type Reply = Readonly<Record<string, unknown>>;

/** An event as it was published. */
export interface Event {
  readonly topic: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** How long an answer may take, in ms. */
const patience = 8000;

/** One connection to the control endpoint. */
export class Client {
  readonly #dealer;
  /** Replies that came while another was awaited, by id. */
  readonly #early = new Map<unknown, Reply>();

  constructor(endpoint: string, within = patience) {
    this.#dealer = new Dealer({ receiveTimeout: within, linger: 0, routingId: randomUUID() });
    this.#dealer.connect(endpoint);
  }

  /** Asks, and resolves with the reply. */
  async ask(command: string, properties?: unknown): Promise<Reply> {
    return this.answer(await this.begin(command, properties));
  }

  /** Asks; `answer` waits for the reply to the id that this resolves with. */
  async begin(command: string, properties?: unknown, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const id = randomUUID();
    await this.send(JSON.stringify({ id, command, ...(properties !== undefined && { properties }), ...more }));
    return id;
  }

  async answer(id: unknown): Promise<Reply> {
    for (;;) {
      const early = this.#early.get(id);
      if (early) {
        this.#early.delete(id);
        return early;
      }
      const reply = await this.receive();
      this.#early.set(reply['id'], reply);
    }
  }

  /** Sends frames as they are. */
  send(...frames: (string | Uint8Array)[]): Promise<void> {
    return this.#dealer.send(frames.map((frame) => Buffer.from(frame)));
  }

  /** Resolves with the next reply, whatever it answers. */
  async receive(): Promise<Reply> {
    const [frame, ...more] = await this.#dealer.receive();
    if (!frame || more.length > 0) throw new Error(`a reply of ${more.length + 1} frames`);
    return JSON.parse(frame.toString()) as Reply;
  }

  /** The pids of a watcher. */
  async pids(name: string): Promise<number[]> {
    return (await this.ask('list', { name }))['pids'] as number[];
  }

  /** The state of a watcher in Circus's words: `active`, `stopped`, ... */
  async state(name: string): Promise<unknown> {
    return (await this.ask('status', { name }))['status'];
  }

  /** How the last processes of a watcher ended, the first one first. */
  async ends(name: string): Promise<readonly End[]> {
    return (await this.ask('history', { name }))['exits'] as readonly End[];
  }

  close(): void {
    this.#dealer.close();
  }
}

/** All events from the moment on at which `listen` resolved. */
export class Listener {
  readonly events: Event[] = [];
  readonly #subscriber = new Subscriber({ linger: 0 });

  constructor(endpoint: string, topic: string) {
    this.#subscriber.connect(endpoint);
    this.#subscriber.subscribe(topic);
    void this.#read();
  }

  /** The words of the events of a watcher: `spawn`, `start`, ... */
  words(watcher: string): string[] {
    const prefix = `watcher.${watcher}.`;
    return this.events.filter(({ topic }) => topic.startsWith(prefix)).map(({ topic }) => topic.slice(prefix.length));
  }

  /** Resolves with the first event of this topic that comes, or has come. */
  async next(topic: string): Promise<Event> {
    return eventually(() => {
      const event = this.events.find((event) => event.topic === topic);
      if (!event) throw new Error(`no ${topic} among ${this.events.map(({ topic }) => topic).join(', ')}`);
      return event;
    });
  }

  close(): void {
    this.#subscriber.close();
  }

  async #read(): Promise<void> {
    try {
      for await (const [topic, payload] of this.#subscriber)
        this.events.push({ topic: String(topic), payload: JSON.parse(String(payload)) as Event['payload'] });
    } catch {
      // It was closed in the middle of a message.
    }
  }
}

const opened: (Client | Listener)[] = [];

/** To be called in a `describe`: closes after each test what it connected. */
export function closeClients(): void {
  afterEach('close the clients', () => {
    for (const client of opened.splice(0)) client.close();
  });
}

/** Connects to the control endpoint of a daemon. */
export function connect({ endpoint }: { readonly endpoint: string }): Client {
  const client = new Client(endpoint);
  opened.push(client);
  return client;
}

/** Subscribes to the events of a daemon; resolves when they arrive, which is tried with `set` on this watcher. */
export async function listen(daemon: { readonly endpoint: string }, probe: string, topic = ''): Promise<Listener> {
  const client = connect(daemon);
  const { options } = await client.ask('globaloptions');
  const listener = new Listener((options as { readonly pubsub_endpoint: string }).pubsub_endpoint, topic);
  opened.push(listener);
  const poke = () => client.ask('set', { name: probe, options: { send_hup: false } });
  await eventually(async () => {
    await poke();
    return listener.events.length > 0;
  });
  // When this one is there, so are all before it.
  const last = Date.now() / 1000;
  await poke();
  await eventually(() => listener.events.some(({ payload }) => (payload['time'] as number) >= last));
  listener.events.length = 0;
  return listener;
}
