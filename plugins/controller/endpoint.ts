/** Where the controller listens: addresses, their defaults, and who may reach them. */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** Circus's own addresses, which are used for what a file with an `endpoint` leaves out. */
export const circusEndpoints = {
  endpoint: 'tcp://127.0.0.1:5555',
  pubsub_endpoint: 'tcp://127.0.0.1:5556',
  stats_endpoint: 'tcp://127.0.0.1:5557',
  multicast_endpoint: 'udp://237.219.251.97:12027',
} as const;

const longestPath = 107;

/** The folder for sockets of this user's daemon: `/run/circusd`, `$XDG_RUNTIME_DIR/circusd`, or one under the home. */
export function runtimeDirectory(environment: NodeJS.ProcessEnv = process.env, uid = process.getuid?.() ?? 0): string {
  if (environment['CIRCUSD_RUNTIME_DIR']) return environment['CIRCUSD_RUNTIME_DIR'];
  if (uid === 0) return '/run/circusd';
  const base = environment['XDG_RUNTIME_DIR'];
  return base ? join(base, 'circusd') : join(homedir(), '.circusd', 'run');
}

/** The addresses of a daemon whose configuration names none: Unix sockets in the runtime directory. */
export function defaultEndpoints(
  directory = runtimeDirectory(),
): Record<'endpoint' | 'pubsub_endpoint' | 'stats_endpoint', string> {
  const at = (name: string) => `ipc://${join(directory, name)}`;
  return { endpoint: at('control.sock'), pubsub_endpoint: at('events.sock'), stats_endpoint: at('stats.sock') };
}

/** The path of an `ipc://` address; undefined for any other. */
export const pathOf = (address: string): string | undefined =>
  address.startsWith('ipc://') ? address.slice('ipc://'.length) : undefined;

const isLoopback = (host: string) => host === 'localhost' || host === '[::1]' || host === '::1' || /^127\./.test(host);

/** Refuses an address that would hand the machine to the network, or that can't be one. @throws Error */
export function checkAddress(option: string, address: string, insecure: boolean): void {
  const path = pathOf(address);
  if (path !== undefined) {
    if (Buffer.byteLength(path) > longestPath)
      throw new Error(`option "${option}": the path of "${address}" is longer than ${longestPath} bytes`);
    return;
  }
  const [, host] = /^tcp:\/\/(.+):(\d+|\*)$/.exec(address) ?? [];
  if (host === undefined) throw new Error(`option "${option}": "${address}" is neither tcp://HOST:PORT nor ipc://PATH`);
  if (isLoopback(host) || insecure) return;
  throw new Error(
    `option "${option}": "${address}" can be reached from other machines and is a shell on this one; ` +
      'use a loopback address, or say "insecure = 1" if you mean it',
  );
}

/** Makes the folder of a Unix socket, private when it is new, and makes sure that nobody listens there. @throws Error */
export async function preparePath(path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw new Error(`"${path}" exists and is not a socket`);
  if (await isServed(path)) throw new Error(`another daemon listens on "${path}"`);
}

/** Lets only its owner use a Unix socket; the owner is `user` if named. */
export function protectPath(path: string, user: string | undefined): void {
  chmodSync(path, 0o600);
  if (user === undefined) return;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((entry) => entry.split(':'))
    .find(([name, , uid]) => name === user || uid === user);
  if (!line) throw new Error(`option "endpoint_owner": there is no user "${user}"`);
  chownSync(path, Number(line[2]), -1);
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(path);
    client.once('connect', () => {
      client.destroy();
      resolve(true);
    });
    client.once('error', () => resolve(false));
  });
}
