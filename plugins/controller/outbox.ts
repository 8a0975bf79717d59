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
  /** True while there is nobody whom a message could reach: it is dropped. */
  isMuted = false;
  readonly #socket: Sending;
  readonly #sent: (bytes: number) => void;
  readonly #line: (Buffer | string)[][] = [];
  #sending: Promise<void> | undefined;

  /** `sent` hears of the size of each message, which may still wait for its client to read. */
  constructor(socket: Sending, sent: (bytes: number) => void = () => undefined) {
    this.#socket = socket;
    this.#sent = sent;
  }

  /** Puts a message at the end of the line. */
  put(...frames: (Buffer | string)[]): void {
    if (this.isMuted || this.#line.length >= longestLine) {
      this.dropped++;
      return;
    }
    this.#line.push(frames);
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
        this.#sent(frames.at(-1)!.length);
      } catch {
        // The peer went away or its line is full: nobody is there to be told.
        this.dropped++;
      }
    }
    this.#sending = undefined;
  }
}

const mebibyte = 2 ** 20;
/** After so many bytes one looks how much memory there is in use. */
const lookEvery = 8 * mebibyte;
/** How much more memory than before may be in use. */
const mostGrowth = 128 * mebibyte;

/**
 * Hears how much is sent, and calls `full` when the daemon has grown by 128 MiB meanwhile: ZeroMQ does not tell how much
 * waits for clients that do not read.
 */
export function memoryMeter(full: () => void, inUse: () => number = process.memoryUsage.rss): (bytes: number) => void {
  let least = inUse();
  let seen = 0;
  return (bytes) => {
    seen += bytes;
    if (seen < lookEvery) return;
    seen = 0;
    const now = inUse();
    const isFull = now > least + mostGrowth;
    least = isFull ? now : Math.min(least, now);
    if (isFull) full();
  };
}
