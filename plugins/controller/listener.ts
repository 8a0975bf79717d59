/** The controller's two ZeroMQ sockets: requests on a ROUTER, events on a PUB. */
import { rmSync } from 'node:fs';
import { Publisher, Router } from 'zeromq';
import { checkAddress, pathOf, preparePath, protectPath } from './endpoint.js';
import { Outbox } from './outbox.js';
import { largestRequest } from './protocol.js';

/** How long closing waits for what was sent and not delivered yet, in ms. */
const linger = 1000;

/** A bound socket: what goes out, and how to close it when it has gone. */
export interface Listener {
  readonly address: string;
  readonly outbox: Outbox;
  close(): Promise<void>;
}

/** Who may use an address, and whether it may be one of the network's. */
export interface Access {
  readonly owner: string | undefined;
  readonly insecure: boolean;
}

async function bind(
  socket: Router | Publisher,
  option: string,
  address: string,
  { owner, insecure }: Access,
): Promise<string> {
  checkAddress(option, address, insecure);
  const path = pathOf(address);
  // Nobody else may slip in between the making of the file and the change of its mode.
  const umask = path === undefined ? undefined : process.umask(0o177);
  try {
    if (path !== undefined) {
      process.umask(0o077);
      await preparePath(path);
      process.umask(0o177);
    }
    await socket.bind(address);
    if (path !== undefined) protectPath(path, owner);
  } catch (error) {
    socket.close();
    const reason = (error as Error).message;
    throw reason.startsWith('option ')
      ? error
      : new Error(`option "${option}": ${address} could not be bound: ${reason}`, { cause: error });
  } finally {
    if (umask !== undefined) process.umask(umask);
  }
  return socket.lastEndpoint ?? address;
}

function listener(socket: Router | Publisher, address: string): Listener {
  const outbox = new Outbox(socket);
  return {
    address,
    outbox,
    async close() {
      await outbox.flushed();
      // ZeroMQ removes the file too, but from a thread of its own, which may come too late.
      const path = pathOf(address);
      if (path !== undefined) rmSync(path, { force: true });
      socket.close();
    },
  };
}

/** Takes requests: `handle` gets the single frame of each and a function that sends a reply to its sender. */
export async function listenForRequests(
  address: string,
  access: Access,
  handle: (frame: Buffer, reply: (text: string) => void) => void,
  odd: (frames: number) => void,
): Promise<Listener> {
  const router = new Router({ linger, sendHighWaterMark: 1000, maxMessageSize: 8 * largestRequest });
  const bound = listener(router, await bind(router, 'endpoint', address, access));
  const receive = async () => {
    for await (const [peer, frame, ...more] of router) {
      if (peer === undefined) continue;
      if (frame === undefined || more.length > 0) odd(more.length + (frame === undefined ? 0 : 1));
      else handle(frame, (text) => bound.outbox.put(peer, text));
    }
  };
  // It ends when the socket is closed; nothing that a request does gets here.
  receive().catch(() => undefined);
  return bound;
}

/** Publishes events. */
export async function listenForSubscribers(address: string, access: Access): Promise<Listener> {
  const publisher = new Publisher({ linger, sendHighWaterMark: 10_000 });
  return listener(publisher, await bind(publisher, 'pubsub_endpoint', address, access));
}
