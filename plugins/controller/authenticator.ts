/** Says who may connect where CURVE is on: ZeroMQ's authentication protocol (ZAP, RFC 27), answered in this process. */
import { setTimeout } from 'node:timers/promises';
import { Reply, type Router, type Publisher } from 'zeromq';
import { readKeyPair, readPublicKeys, type KeyPair } from './keys.js';

/** Where libzmq asks; there can be one who answers in a process. */
const address = 'inproc://zeromq.zap.01';
/** How long keys that were read are good, in ms: whoever connects all the time must not make us read all the time. */
const freshness = 1000;

interface Realm {
  readonly directory: string;
  keys: ReadonlyMap<string, string>;
  readAt: number;
  /** The names of all keys that were ever let in: connections outlive the keys that made them. */
  readonly ever: Set<string>;
}

/** Makes sockets ask for keys, and answers for the keys of their folders. */
export class Authenticator {
  readonly #pair: KeyPair;
  readonly #realms = new Map<string, Realm>();
  readonly #told: (message: string) => void;
  #socket: Reply | undefined;

  /** `tell` hears of what keeps people out; the same is told once. @throws Error when the key file is not good */
  constructor(keyFile: string, tell: (message: string) => void) {
    this.#pair = readKeyPair(keyFile);
    const before = new Set<string>();
    this.#told = (message) => {
      if (before.has(message)) return;
      before.add(message);
      tell(message);
    };
  }

  /** Lets only owners of keys in this folder use the socket; answers the names of the keys. @throws Error */
  protect(socket: Router | Publisher, domain: string, directory: string): readonly string[] {
    const keys = readPublicKeys(directory, this.#told);
    this.#realms.set(domain, { directory, keys, readAt: performance.now(), ever: new Set() });
    socket.curveServer = true;
    socket.curveSecretKey = this.#pair.secretKey;
    socket.zapDomain = domain;
    return [...keys.values()];
  }

  /** Begins to answer; before that nobody who comes is let in. @throws Error */
  async open(): Promise<void> {
    const socket = new Reply({ linger: 0 });
    // The one of a controller that was closed just now is still there for a moment.
    for (let attempts = 20; ; attempts--) {
      try {
        await socket.bind(address);
        break;
      } catch (error) {
        if (attempts === 0) throw error;
        await setTimeout(50);
      }
    }
    this.#socket = socket;
    this.#answer(socket).catch((error: unknown) => {
      if (!socket.closed) this.#told(`nobody is let in any more: ${(error as Error).message}`);
    });
  }

  /** The name of the only key that was ever let in; undefined when it may have been one of several. */
  onlyKey(domain: string): string | undefined {
    const { ever } = this.#realms.get(domain) ?? {};
    return ever?.size === 1 ? [...ever][0] : undefined;
  }

  close(): void {
    this.#socket?.close();
  }

  async #answer(socket: Reply): Promise<void> {
    for await (const [version, id, domain, _address, _identity, mechanism, key] of socket) {
      const name = mechanism?.toString() === 'CURVE' ? this.#nameOf(domain?.toString() ?? '', key) : undefined;
      const [status, text] = name === undefined ? ['400', 'no authorized key'] : ['200', 'OK'];
      await socket.send([version ?? '1.0', id ?? '', status, text, name ?? '', '']);
    }
  }

  /** The name of an authorized key; the folder is read again, so that keys come and go without a restart. */
  #nameOf(domain: string, key: Buffer | undefined): string | undefined {
    const realm = this.#realms.get(domain);
    if (!realm || key?.length !== 32) return undefined;
    const now = performance.now();
    if (now - realm.readAt > freshness) {
      realm.readAt = now;
      try {
        realm.keys = readPublicKeys(realm.directory, this.#told);
      } catch (error) {
        realm.keys = new Map();
        this.#told(`nobody is let in any more: ${(error as Error).message}`);
      }
    }
    const name = realm.keys.get(toZ85(key));
    if (name !== undefined) realm.ever.add(name);
    return name;
  }
}

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

/** Bytes in Z85 (RFC 32): five letters for each four of them. */
export function toZ85(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const value = bytes.readUInt32BE(at);
    for (let power = 85 ** 4; power >= 1; power /= 85) text += alphabet[Math.floor(value / power) % 85];
  }
  return text;
}
