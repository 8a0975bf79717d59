/** ZeroMQ's sockets as the client uses them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { keyIn, readKeyPair } from '#plugins/controller/keys.js';
import type { Dealer, Subscriber } from 'zeromq';
import { ClientError } from './errors.js';

/** The keys of a connection with CURVE, each of 40 characters in ZeroMQ's Z85. */
export interface Curve {
  /** The daemon's. */
  readonly serverKey: string;
  /** The client's own. */
  readonly publicKey: string;
  readonly secretKey: string;
}

/** The same in files, as `circusctl keygen` writes them. */
export interface CurveFiles {
  /** The client's own, NAME.key_secret. */
  readonly key: string;
  /** The daemon's public one, NAME.key. */
  readonly serverKey: string;
}

/** Reads the keys of a connection from their files. @throws Error */
export function readCurve({ key, serverKey }: CurveFiles): Curve {
  const found = keyIn(readFileSync(serverKey, 'utf8'), 'public');
  if (found === undefined) throw new Error(`"${serverKey}" does not hold a public-key`);
  return { ...readKeyPair(key), serverKey: found };
}

/** The ZeroMQ package, loaded when it is needed first; `import()` of it takes 4 ms longer. @throws ClientError */
export function loadZeroMq(): typeof import('zeromq') {
  try {
    return createRequire(import.meta.url)('zeromq') as typeof import('zeromq');
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new ClientError('ERR_ZEROMQ', `package "zeromq" could not be loaded: ${reason}`, { cause: error });
  }
}

/** An identity that no other client has: 32 hex digits, as Circus's. No secret, and node:crypto would take 4 ms to load. */
export function makeId(): string {
  const eight = () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return process.pid.toString(16).padStart(8, '0') + eight() + eight() + eight();
}

/** The options of every socket: nothing is kept for later when it is closed. */
export const socketOptions = (curve: Curve | undefined) => ({
  linger: 0,
  ...(curve && {
    curveServerKey: curve.serverKey,
    curvePublicKey: curve.publicKey,
    curveSecretKey: curve.secretKey,
  }),
});

/** The keys, read where files are given; those that can't be any are refused, and the message shows none. @throws ClientError */
export function curveFrom(given: Curve | CurveFiles | undefined): Curve | undefined {
  const curve = given && 'key' in given ? fromFiles(given) : given;
  for (const name of curve ? (['serverKey', 'publicKey', 'secretKey'] as const) : [])
    if (!/^[\w.:+=^!/*?&<>()[\]{}@%$#-]{40}$/.test(String(curve?.[name])))
      throw new ClientError(
        'ERR_ARGUMENT',
        `"curve.${name}" is no key: it has 40 characters, as ZeroMQ's Z85 gives them`,
      );
  return curve;
}

function fromFiles(files: CurveFiles): Curve {
  try {
    return readCurve(files);
  } catch (error) {
    throw new ClientError('ERR_ARGUMENT', `"curve" can't be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Connects a socket, which goes on in the background. @throws ClientError */
export function connectTo(socket: Dealer | Subscriber, address: string): void {
  try {
    socket.connect(address);
  } catch (error) {
    socket.close();
    const reason = (error as Error).message;
    throw new ClientError('ERR_ARGUMENT', `"${address}" is no endpoint: ${reason}`, { cause: error });
  }
}
