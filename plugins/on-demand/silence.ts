/** Finds out that nobody has come to some sockets for a while, and that nobody is connected to them. */
import type { Clock, Socket } from '#core';
import { haveConnections } from './connections.js';

/** After a client nobody looks for the next one for this part of the time: a busy program costs nothing. */
const restPart = 10;

/** Waits for silence: one timer, and one pending question to the kernel for each socket. */
export class Silence {
  readonly #sockets: readonly Socket[];
  /** How long nobody must come, in ms. */
  readonly #time: number;
  readonly #clock: Clock;
  readonly #silent: () => void;
  #cancel: (() => void)[] = [];

  /** Calls `silent` once. */
  constructor(sockets: readonly Socket[], time: number, clock: Clock, silent: () => void) {
    this.#sockets = sockets;
    this.#time = time;
    this.#clock = clock;
    this.#silent = silent;
    this.#listen();
  }

  close(): void {
    for (const cancel of this.#cancel.splice(0)) cancel();
  }

  #listen(): void {
    this.close();
    this.#cancel = this.#sockets.map((socket) => socket.onArrival(() => this.#rest()));
    this.#cancel.push(this.#clock.after(this.#time, () => this.#due()));
  }

  #rest(): void {
    this.close();
    this.#cancel = [this.#clock.after(this.#time / restPart, () => this.#listen())];
  }

  #due(): void {
    if (haveConnections(this.#sockets)) return this.#listen();
    this.close();
    this.#silent();
  }
}
