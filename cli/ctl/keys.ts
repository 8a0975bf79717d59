/** Keys for CURVE: `circusctl keygen`, and those that circusctl itself uses. */
import { defaultKeys, keyDirectory, writeKeys, writePublicKey } from '#plugins/controller/keys.js';
import { loadZeroMq, readCurve, type Curve } from '../client/socket.js';
import { exitCodes, Failure, usageFailure } from './failure.js';
import type { Output } from './run.js';

const fail = (error: unknown) => new Failure(exitCodes.failed, `error: ${(error as Error).message}`);

/** Makes a pair of keys and writes it. @throws Failure */
export function makeKeys(
  [name, ...more]: readonly string[],
  flags: ReadonlyMap<string, string | true>,
  output: Output,
): void {
  if (name === undefined || more.length > 0) throw usageFailure('keygen takes one name: daemon, or that of a client');
  if (!/^[\w@.-]+$/.test(name) || name.startsWith('.'))
    throw usageFailure(`"${name}" can't be the name of a file: use letters, digits and _ @ . -`);
  const directory = String(flags.get('directory') ?? keyDirectory());
  const { authorized } = defaultKeys(directory);
  try {
    const pair = loadZeroMq().curveKeyPair();
    const files = [...writeKeys(directory, name, pair)];
    if (flags.has('authorize')) files.push(writePublicKey(authorized, name, pair.publicKey));
    output.out(files.map((file) => `${file}\n`).join(''));
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    throw fail(code === 'EEXIST' ? new Error(`"${path}" is there already, and is not written over`) : error);
  }
}

/** The keys to connect with, from files named by options or the environment; undefined: without CURVE. @throws Failure */
export function curveKeys(
  { key, serverKey }: { readonly key: string | undefined; readonly serverKey: string | undefined },
  environment: NodeJS.ProcessEnv = process.env,
): Curve | undefined {
  const own = key ?? environment['CIRCUSCTL_KEY'];
  const server = serverKey ?? environment['CIRCUSCTL_SERVER_KEY'];
  if (!own && !server) return undefined;
  if (!own || !server) throw usageFailure('--key and --server-key belong together: yours, and that of the daemon');
  try {
    return readCurve({ key: own, serverKey: server });
  } catch (error) {
    throw fail(error);
  }
}
