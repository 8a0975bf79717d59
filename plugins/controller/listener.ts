/** The controller's ZeroMQ sockets: requests on ROUTERs, events on a PUB. */
import { resolve } from 'node:path';
import { Publisher, Router } from 'zeromq';
import { handOver, type FileAccess } from './access.js';
import { checkAddress, pathOf } from './endpoint.js';
import { accessOption } from './foresight.js';
import { Gate } from './gate.js';
import { memoryMeter, Outbox } from './outbox.js';
import { largestRequest } from './protocol.js';
import { identityOf, preparePath, removeOwn } from './socket-file.js';

/** A subscription is one frame, with the beginning of a topic; in bytes. */
const largestSubscription = 4096;
/** How long closing waits for what was sent and not delivered yet, in ms. */
const linger = 1000;
/** A burst of clients waits in line for ZeroMQ; who does not speak its protocol is gone after 10 s. */
const common = { linger, backlog: 1024, handshakeInterval: 10_000 };

/** A bound socket: what goes out, and how to close it when it has gone. */
export interface Listener {
  readonly address: string;
  readonly outbox: Outbox;
  close(): Promise<void>;
}

/** Where a socket is to be, and who may use it. */
export interface Place extends FileAccess {
  /** How errors name it. */
  readonly option: string;
  readonly address: string;
  /** True when it may be one of the network's without a check of keys. */
  readonly insecure: boolean;
  /** Has the socket ask for keys before it is bound; undefined: whoever comes may use it. */
  readonly protect: ((socket: Router | Publisher) => void) | undefined;
  /** How many may be connected at a time. */
  readonly most: number;
  /** Hears of what keeps people out. */
  readonly tell: (message: string) => void;
}

/** Where a socket was bound, and how to take away the file that it has, if any. */
interface Bound {
  readonly address: string;
  removeFile(): void;
}

/** Binds to the file of a Unix socket, for nobody else from the moment it is there. */
async function bindFile(socket: Router | Publisher, address: string, path: string, access: FileAccess): Promise<Bound> {
  await preparePath(path);
  const umask = process.umask(0o177);
  try {
    socket.bindSync(address);
  } finally {
    process.umask(umask);
  }
  const full = resolve(path);
  const identity = identityOf(full);
  const removeFile = () => removeOwn(full, identity);
  try {
    handOver(full, access);
  } catch (error) {
    removeFile();
    throw error;
  }
  return { address, removeFile };
}

/** Binds where nobody listens yet. @throws Error */
async function bind(socket: Router | Publisher, place: Place): Promise<Bound> {
  const { option, address, insecure, protect } = place;
  const open = insecure || protect !== undefined;
  try {
    checkAddress(option, address, open);
    const path = pathOf(address);
    if (path !== undefined) return await bindFile(socket, address, path, place);
    protect?.(socket);
    socket.bindSync(address);
    const bound = socket.lastEndpoint ?? address;
    // A name may mean another address than it seems to.
    checkAddress(option, bound, open);
    return { address: bound, removeFile: () => undefined };
  } catch (error) {
    const reason = (error as Error).message;
    if (reason.startsWith('option ')) throw error;
    const [, who] = /^there is no (user|group) /.exec(reason) ?? [];
    const text = who
      ? `option "${accessOption(option, who === 'user' ? 'owner' : 'group')}": ${reason}`
      : `option "${option}": ${address} could not be bound: ${reason}`;
    throw new Error(text, { cause: error });
  }
}

async function listener(socket: Router | Publisher, place: Place, nudge?: () => void): Promise<Listener> {
  let bound = await bind(socket, place).catch((error: unknown) => {
    socket.close();
    throw error;
  });
  const { address } = bound;
  // What was checked and protected once stays so; where any port was asked for, this is the one.
  const again = { ...place, address, insecure: true, protect: undefined };
  const gate = new Gate({
    socket,
    most: place.most,
    shut() {
      bound.removeFile();
      // This is libzmq's unbind by another name: zeromq's unbindSync binds, and its unbind leaves this thread.
      socket.disconnect(address);
      nudge?.();
      outbox.isMuted = true;
    },
    async open() {
      bound = await bind(socket, again);
      outbox.isMuted = false;
      nudge?.();
    },
    tell: (message) => place.tell(`${address}: ${message}`),
  });
  const full = () => gate.shut('its clients do not read what they are sent, which takes too much memory');
  const outbox = new Outbox(socket, memoryMeter(full));
  return {
    address,
    outbox,
    async close() {
      await outbox.flushed();
      // ZeroMQ leaves it behind.
      bound.removeFile();
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
export async function listenForRequests(place: Place): Promise<RequestListener> {
  // A reply is taken or dropped at once, so nobody has to ask before whether it would be taken.
  const limits = { sendHighWaterMark: 12_000, sendTimeout: 0, maxMessageSize: 8 * largestRequest };
  const router = new Router({ ...common, ...limits });
  // Binding may swallow the signal of a request that comes just then; sending, here to nobody, has zeromq look.
  const nudge = () => bound.outbox.put('', '');
  const bound: Listener = await listener(router, place, nudge);
  return {
    ...bound,
    receive(handle, odd) {
      const take = async () => {
        while (!router.closed) {
          const { 0: peer, 1: frame, length } = await router.receive();
          // Who asked before all connections were ended is gone.
          if (peer === undefined || bound.outbox.isMuted) continue;
          if (frame === undefined || length > 2) odd(length - 1);
          else handle(frame, (text) => bound.outbox.put(peer, text));
        }
      };
      // It ends when the socket is closed; nothing that a request does gets here.
      take().catch(() => undefined);
    },
  };
}

/** Publishes events. @throws Error */
export async function listenForSubscribers(place: Place): Promise<Listener> {
  return listener(new Publisher({ ...common, sendHighWaterMark: 10_000, maxMessageSize: largestSubscription }), place);
}
