/** Where the controller listens: addresses, their defaults, and who may reach them. */
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';

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

/** A host by name, number or network device, and its port: ZeroMQ takes more, such as a second address after a semicolon. */
const tcpAddress = /^tcp:\/\/([\w.*-]+|\[[\da-f:.]+(?:%\w+)?\]):(?:\d{1,5}|\*)$/i;

const isLoopback = (host: string) =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

/** True for a TCP address that only this machine can reach, by any of its users. */
export const isLoopbackAddress = (address: string): boolean => isLoopback(tcpAddress.exec(address)?.[1] ?? '');

/** Refuses an address that would hand the machine to the network, unless it is `open` on purpose, or that can't be one. @throws Error */
export function checkAddress(option: string, address: string, open: boolean): void {
  const path = pathOf(address);
  if (path !== undefined) {
    // ZeroMQ has its own meaning for the first two: sockets without a file, or without a place that is known before.
    if (/^[@*]|^$|\p{Cc}/u.test(path))
      throw new Error(`option "${option}": ${JSON.stringify(address)} does not name a file, which alone has an owner`);
    if (Buffer.byteLength(path) > longestPath)
      throw new Error(`option "${option}": the path of "${address}" is longer than ${longestPath} bytes`);
    return;
  }
  const [, host] = tcpAddress.exec(address) ?? [];
  if (host === undefined) throw new Error(`option "${option}": "${address}" is neither tcp://HOST:PORT nor ipc://PATH`);
  if (isLoopback(host) || open) return;
  throw new Error(
    `option "${option}": "${address}" can be reached from other machines and is a shell on this one; ` +
      'say "curve = 1" to let in owners of keys only, use a loopback address, or say "insecure = 1" in [circus] or [plugin:controller] if you mean it',
  );
}
