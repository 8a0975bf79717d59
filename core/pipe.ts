/** One channel of output: what a child writes on a descriptor, with back-pressure. */
import { Socket } from 'node:net';
import { pipe } from './posix/descriptor.js';

/** A pipe whose other end a child holds; chunks go to `told` until the last writer is gone or it is closed. */
export class Pipe {
  /** The end for the child; the owner closes it after the spawn. */
  readonly childEnd: number;
  readonly #socket: Socket;
  #paused = false;
  #held = false;
  /** Resolves when nothing more will come. */
  readonly drained: Promise<void>;

  constructor(told: (chunk: Buffer) => void) {
    const { read, write } = pipe();
    this.childEnd = write;
    this.#socket = new Socket({ fd: read, readable: true, writable: false });
    this.#socket.on('data', told);
    // A reset pipe ends like any other: what was read was told.
    this.#socket.on('error', () => this.#socket.destroy());
    this.drained = new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /** Stops reading: the child blocks once the pipe is full. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#held) this.#socket.resume();
  }

  /** Stops reading for a time, whatever was asked by `pause` and `resume`. */
  async hold(until: Promise<void>): Promise<void> {
    this.#held = true;
    this.#socket.pause();
    await until;
    this.#held = false;
    if (!this.#paused) this.#socket.resume();
  }

  /** Reads no more, whatever is still in the pipe. */
  close(): void {
    this.#socket.destroy();
  }
}
