/** Sending on a ZeroMQ socket in order: zeromq takes one message at a time, and callers must not wait for it. */

/** The part of a zeromq socket that sends. */
interface Sending {
  send(frames: (Buffer | string)[]): Promise<void>;
}

/** More messages than this in line, and new ones are dropped and counted: a peer that never reads must not eat the memory. */
const longestLine = 50_000;

/** A line of messages for one socket. */
export class Outbox {
  dropped = 0;
  readonly #socket: Sending;
  readonly #line: (Buffer | string)[][] = [];
  #sending: Promise<void> | undefined;

  constructor(socket: Sending) {
    this.#socket = socket;
  }

  /** Puts a message at the end of the line. */
  put(...frames: (Buffer | string)[]): void {
    if (this.#line.length >= longestLine) this.dropped++;
    else this.#line.push(frames);
    this.#sending ??= this.#send();
  }

  /** Resolves when the line is empty. */
  async flushed(): Promise<void> {
    while (this.#sending) await this.#sending;
  }

  async #send(): Promise<void> {
    for (let frames = this.#line.shift(); frames; frames = this.#line.shift()) {
      try {
        await this.#socket.send(frames);
      } catch {
        // The peer went away or its line is full: nobody is there to be told.
        this.dropped++;
      }
    }
    this.#sending = undefined;
  }
}
