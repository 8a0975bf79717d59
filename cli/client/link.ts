/** One connection to a daemon, from the first attempt to its end. */
import type { Dealer } from 'zeromq';
import { connectTo, loadZeroMq, makeId, socketOptions, type Curve } from './socket.js';

/** How long an answer may come after the end of its connection, in ms. */
export const lastWords = 200;

/** How long closing keeps what was said to a daemon that is there, in ms. */
const farewell = 500;

/** How far it has come: nobody was reached, somebody was who does not speak our part, or a daemon. */
export type LinkState = 'none' | 'foreign' | 'up';

/** Who is told what happens. */
export interface LinkListener {
  up(): void;
  /** Nobody listens on the Unix socket. */
  nobody(): void;
  /** The daemon is gone. What it sent last may be told after this. */
  lost(): void;
  reply(text: string): void;
}

/**
 * A connection that is never used for a second daemon: what waits in a ZeroMQ socket would be sent again after a
 * reconnect, long after whoever asked has given up.
 */
export class Link {
  readonly #dealer: Dealer;
  #state: LinkState = 'none';

  /** Connects, which goes on in the background. @throws ClientError */
  constructor(endpoint: string, curve: Curve | undefined, listener: LinkListener) {
    const { Dealer } = loadZeroMq();
    this.#dealer = new Dealer({
      ...socketOptions(curve),
      routingId: makeId(),
      // By then a lost connection is closed.
      reconnectInterval: lastWords + 50,
    });
    const { events } = this.#dealer;
    let attempts = 0;
    events.on('connect', () => {
      if (this.#state === 'none') this.#state = 'foreign';
    });
    events.on('handshake', () => {
      if (this.#state === 'up') return;
      this.#state = 'up';
      this.#keepOnClosing(farewell);
      listener.up();
    });
    // Twice, as a daemon that starts right now makes the file a moment before it listens.
    events.on('connect:retry', ({ address }) => {
      if (address.startsWith('ipc:') && this.#state === 'none' && ++attempts === 2) listener.nobody();
    });
    events.on('disconnect', () => {
      this.#keepOnClosing(0);
      if (this.#state === 'up') listener.lost();
    });
    connectTo(this.#dealer, endpoint);
    void this.#read(listener);
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Sends one request; only one at a time. */
  async send(frame: string): Promise<void> {
    await this.#dealer.send(frame);
  }

  close(): void {
    this.#dealer.close();
  }

  /** For how many ms closing keeps what was not delivered; what happens may be told after that. */
  #keepOnClosing(time: number): void {
    if (!this.#dealer.closed) this.#dealer.linger = time;
  }

  async #read({ reply }: LinkListener): Promise<void> {
    try {
      for await (const frames of this.#dealer) reply(frames.at(-1)?.toString() ?? '');
    } catch {
      // It was closed in the middle of a message.
    }
  }
}
