/** Keeps one ZeroMQ socket from using up the daemon's descriptors: libzmq aborts when a Unix socket has none for the next connection. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publisher, Router } from 'zeromq';

/** No socket has more connections than this, however many descriptors there are. */
const mostConnections = 1024;
/** How long a socket stays shut, in ms: longer than connections linger that are ended. */
const pause = 1500;
/** How often shutting is told, in ms: whoever may connect must not fill the disk. */
const toldEvery = 60_000;

/** How many connections each of some sockets may have: together a quarter of the descriptors, as all else needs some too. */
export function connectionsFor(sockets: number, limits = readFileSync('/proc/self/limits', 'latin1')): number {
  const files = Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  return Math.max(8, Math.min(mostConnections, Math.floor(files / 4 / sockets)));
}

/** What is guarded: a bound socket, and how it is taken from its address and brought back. */
export interface Guarded {
  readonly socket: Router | Publisher;
  readonly most: number;
  /** Ends the listening and every connection that came by it. */
  shut(): void;
  /** Listens again. @throws Error */
  open(): Promise<void>;
  /** Hears of it when there were too many, and when the socket could not be opened again. */
  tell(message: string): void;
}

/**
 * Counts connections, and shuts the socket for a moment when there are too many. ZeroMQ's notices come while there is one
 * to come, and ZeroMQ accepts nobody while 2,000 of them wait: so it can't run ahead of this by more than that.
 */
export async function guardConnections({ socket, most, shut, open, tell }: Guarded): Promise<void> {
  const { events } = socket;
  let connections = 0;
  let isShut = false;
  let told = -Infinity;
  const tellOfMany = () => {
    if (performance.now() - told < toldEvery) return;
    told = performance.now();
    tell(`it had ${most} connections, as many as it may have: they were ended, and it is open again after ${pause} ms`);
  };
  const reopen = async () => {
    for (let tries = 0; !socket.closed; tries++) {
      await sleep(pause, undefined, { ref: false });
      try {
        if (!socket.closed) await open();
        return;
      } catch (error) {
        if (tries === 0) tell(`it can't be opened again, which is tried further: ${(error as Error).message}`);
      }
    }
  };
  while (!events.closed) {
    const { type } = await events.receive();
    if (type === 'accept') connections++;
    else if (type === 'disconnect') connections = Math.max(0, connections - 1);
    else if (type === 'close' && isShut) {
      isShut = false;
      connections = 0;
      void reopen();
    }
    if (isShut || connections < most) continue;
    isShut = true;
    shut();
    tellOfMany();
  }
}
