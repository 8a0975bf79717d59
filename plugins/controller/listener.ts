/** The controller's two ZeroMQ sockets: requests on a ROUTER, events on a PUB. */
import { resolve } from 'node:path';
import { Publisher, Router } from 'zeromq';
import { checkAddress, pathOf } from './endpoint.js';
import { Outbox } from './outbox.js';
import { largestRequest } from './protocol.js';
import { handOver, identityOf, preparePath, removeOwn } from './socket-file.js';

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

/** Where a socket was bound, and how to take away the file that it has, if any. */
interface Bound {
  readonly address: string;
  removeFile(): void;
}

/** Binds to the file of a Unix socket, for its owner only from the moment it is there. */
async function bindFile(socket: Router | Publisher, address: string, path: string, owner?: string): Promise<Bound> {
  await preparePath(path);
  const umask = process.umask(0o177);
  try {
    await socket.bind(address);
  } finally {
    process.umask(umask);
  }
  const full = resolve(path);
  const identity = identityOf(full);
  const removeFile = () => removeOwn(full, identity);
  try {
    handOver(full, owner);
  } catch (error) {
    removeFile();
    throw error;
  }
  return { address, removeFile };
}

async function bind(
  socket: Router | Publisher,
  option: string,
  address: string,
  { owner, insecure }: Access,
): Promise<Bound> {
  try {
    checkAddress(option, address, insecure);
    const path = pathOf(address);
    if (path !== undefined) return await bindFile(socket, address, path, owner);
    await socket.bind(address);
    const bound = socket.lastEndpoint ?? address;
    // A name may mean another address than it seems to.
    checkAddress(option, bound, insecure);
    return { address: bound, removeFile: () => undefined };
  } catch (error) {
    socket.close();
    const reason = (error as Error).message;
    throw reason.startsWith('option ')
      ? error
      : new Error(`option "${option}": ${address} could not be bound: ${reason}`, { cause: error });
  }
}

function listener(socket: Router | Publisher, { address, removeFile }: Bound): Listener {
  const outbox = new Outbox(socket);
  return {
    address,
    outbox,
    async close() {
      await outbox.flushed();
      // ZeroMQ leaves it behind.
      removeFile();
      socket.close();
    },
  };
}

/** A socket for requests, which wait in it until they are received. */
export interface RequestListener extends Listener {
  /** Takes requests: `handle` gets the single frame of each and a function that sends a reply to its sender. */
  receive(handle: (frame: Buffer, reply: (text: string) => void) => void, odd: (frames: number) => void): void;
}

/** Makes the socket for requests. @throws Error */
export async function listenForRequests(address: string, access: Access): Promise<RequestListener> {
  const router = new Router({ linger, sendHighWaterMark: 1000, maxMessageSize: 8 * largestRequest });
  const bound = listener(router, await bind(router, 'endpoint', address, access));
  return {
    ...bound,
    receive(handle, odd) {
      const take = async () => {
        for await (const [peer, frame, ...more] of router) {
          if (peer === undefined) continue;
          if (frame === undefined || more.length > 0) odd(more.length + (frame === undefined ? 0 : 1));
          else handle(frame, (text) => bound.outbox.put(peer, text));
        }
      };
      // It ends when the socket is closed; nothing that a request does gets here.
      take().catch(() => undefined);
    },
  };
}

/** Publishes events. @throws Error */
export async function listenForSubscribers(address: string, access: Access): Promise<Listener> {
  const publisher = new Publisher({ linger, sendHighWaterMark: 10_000 });
  return listener(publisher, await bind(publisher, 'pubsub_endpoint', address, access));
}
