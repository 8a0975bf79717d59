/** Keeps the clients of one ZeroMQ socket from using up the daemon's descriptors or its memory. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publisher, Router } from 'zeromq';
import { trimMemory } from '#core';

/** No socket has more connections than this, however many descriptors there are. */
const mostConnections = 1024;
/** How long a socket stays shut, in ms: longer than connections linger that are ended. */
const pause = 1500;
/** How often shutting is told, in ms: whoever may connect must not fill the disk. */
const toldEvery = 60_000;

/**
 * How often the memory is looked at while there are clients, in ms: ZeroMQ keeps the frames of a message until its last one
 * has come, and tells nobody.
 */
const lookEvery = 250;
/** How much more of it than before clients may have the daemon use. */
const mostGrowth = 128 * 2 ** 20;

/** The memory that is not JavaScript's, in bytes: most of what comes and goes there lies in ZeroMQ. */
function nativeMemory(): number {
  const { rss, heapTotal, external } = process.memoryUsage();
  return rss - heapTotal - external;
}

/** Returns what shutting has freed: what stays would count as no growth when the next one uses it, and each would add to it. */
function giveBack(): void {
  try {
    trimMemory();
  } catch {
    // This C library does it by itself.
  }
}

/** By how many connections ZeroMQ can be ahead of our count, see `Gate`. */
const runAhead = 2000;
/** What all else than clients needs. */
const reserve = 1000;

/** How many descriptors this process may have. */
export const descriptorLimit = (limits = readFileSync('/proc/self/limits', 'latin1')): number =>
  Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);

/** How many descriptors are enough for some sockets, whoever connects to them, however fast. */
export const descriptorsFor = (sockets: number): number => sockets * (mostConnections + runAhead) + reserve;

/** How many connections each of some sockets may have: together a quarter of the descriptors, as all else needs some too. */
export function connectionsFor(sockets: number, files = descriptorLimit()): number {
  return Math.max(8, Math.min(mostConnections, Math.floor(files / 4 / sockets)));
}

/** What is guarded: a bound socket, and how it is taken from its address and brought back. */
export interface Guarded {
  readonly socket: Router | Publisher;
  /** How many connections it may have: libzmq aborts when a Unix socket has no descriptor for the next one. */
  readonly most: number;
  /** Ends the listening and every connection that came by it, with what waits for its client. */
  shut(): void;
  /** Listens again. @throws Error */
  open(): Promise<void>;
  /** Hears of it when the socket was shut, and when it could not be opened again. */
  tell(message: string): void;
}

/** Shuts a socket for a moment when that is the only way to get rid of what its clients have piled up. */
export class Gate {
  readonly #guarded: Guarded;
  #connections = 0;
  #isShut = false;
  #told = -Infinity;
  #looking: NodeJS.Timeout | undefined;

  constructor(guarded: Guarded) {
    this.#guarded = guarded;
    // It ends with the socket.
    this.#count()
      .catch(() => undefined)
      .finally(() => clearInterval(this.#looking));
  }

  /** Ends all connections, and lets clients in again after a moment; they come back by themselves. */
  shut(reason: string): void {
    if (this.#isShut) return;
    this.#isShut = true;
    this.#lookWhile(false);
    this.#guarded.shut();
    if (performance.now() - this.#told < toldEvery) return;
    this.#told = performance.now();
    this.#guarded.tell(`${reason}: all connections were ended, and it is open again after ${pause} ms`);
  }

  /**
   * ZeroMQ's notices come while there is one to come, and ZeroMQ accepts nobody while `runAhead` of them wait: so it can't be
   * ahead of this by more than that.
   */
  async #count(): Promise<void> {
    const { socket, most } = this.#guarded;
    const { events } = socket;
    while (!events.closed) {
      const { type } = await events.receive();
      if (type === 'accept') this.#connections++;
      else if (type === 'disconnect') this.#connections = Math.max(0, this.#connections - 1);
      else if (type === 'close' && this.#isShut) void this.#reopen();
      this.#lookWhile(this.#connections > 0 && !this.#isShut);
      if (this.#connections >= most) this.shut(`it had ${most} connections, as many as it may have`);
    }
  }

  /** Looks at the memory as long as somebody is connected who could use it up. */
  #lookWhile(needed: boolean): void {
    if (needed === (this.#looking !== undefined)) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
    if (!needed) return;
    let least = nativeMemory();
    const look = () => {
      const now = nativeMemory();
      least = Math.min(least, now);
      if (now > least + mostGrowth)
        this.shut(
          'its clients send messages without an end, or do not read what they are sent, which takes too much memory',
        );
    };
    this.#looking = setInterval(look, lookEvery).unref();
  }

  async #reopen(): Promise<void> {
    const { socket, open, tell } = this.#guarded;
    for (let tries = 0; this.#isShut; tries++) {
      await sleep(pause, undefined, { ref: false });
      if (socket.closed) return;
      giveBack();
      try {
        this.#connections = 0;
        await open();
        this.#isShut = false;
      } catch (error) {
        if (tries === 0) tell(`it can't be opened again, which is tried further: ${(error as Error).message}`);
      }
    }
  }
}
