/** One channel of output: what a child writes on a descriptor, with back-pressure; or a text for one to read. */
import { Socket } from 'node:net';
import { pipe } from './posix/descriptor.js';

/**
 * A pipe whose other end a child holds; chunks go to `told` until the last writer is gone or it is closed. With `input`
 * the child reads that instead.
 */
export class Pipe {
  /** The end for the child; the owner closes it after the spawn. */
  readonly childEnd: number;
  readonly #socket: Socket;
  #paused = false;
  #held = false;
  /** Resolves when nothing more will come. */
  readonly drained: Promise<void>;

  constructor(told: (chunk: Buffer) => void, input?: string) {
    const { read, write } = pipe();
    const feeds = input !== undefined;
    this.childEnd = feeds ? read : write;
    this.#socket = new Socket({ fd: feeds ? write : read, readable: !feeds, writable: feeds });
    if (feeds) this.#socket.end(input);
    else this.#socket.on('data', told);
    // A reset pipe ends like any other: what was read was told, and a child need not read all of its input.
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
