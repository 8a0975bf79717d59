/** UDP discovery: tells whoever asks the group of daemons where commands are taken (circus-compat §3.9). */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import type { Clock, PluginContext } from '#core';

/** How far questions and answers may travel, in routers. */
const farthest = 255;
/**
 * Answers within one second. An answer is larger than its question, the sender of a datagram can be forged, and every
 * daemon of the group answers: without a limit all of them could be turned against a third machine.
 */
const mostAnswers = 20;
/** Our own answer is no question: two daemons must not answer each other for ever. */
const answerBegins = '{"endpoint"';

/** The group and port of `udp://GROUP:PORT`; undefined when it is none. */
export function readGroup(address: string): { readonly group: string; readonly port: number } | undefined {
  const [, group = '', first, last] =
    /^udp:\/\/((2(?:2[4-9]|3\d))(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(last);
  return first !== undefined && port > 0 && port < 65536 ? { group, port } : undefined;
}

/** Lets `most` things happen in each second: true for one that may. */
export function limiter(clock: Clock, most: number): () => boolean {
  let second = -Infinity;
  let count = 0;
  return () => {
    const now = clock.monotonic();
    if (now - second >= 1000) [second, count] = [now, 0];
    return ++count <= most;
  };
}

/**
 * Answers each datagram that comes to a group with the endpoint for commands. What keeps it from that is a warning: a
 * daemon that can't be looked for can still be reached. Resolves with what closes it.
 */
export async function answerDiscovery(
  address: string,
  endpoint: string,
  { arbiter, log, guard }: Pick<PluginContext, 'arbiter' | 'log' | 'guard'>,
): Promise<() => Promise<void>> {
  const warn = (why: string) =>
    log.warn(`option "multicast_endpoint": ${address} ${why}, so this daemon can't be discovered there`);
  const found = readGroup(address);
  if (!found) {
    warn('is not udp://GROUP:PORT with a group from 224.0.0.0 to 239.255.255.255');
    return async () => undefined;
  }
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  const mayAnswer = limiter(arbiter.clock, mostAnswers);
  const answer = JSON.stringify({ endpoint });
  const take = guard((question: Buffer, { address: to, port }: RemoteInfo) => {
    // An answer that can't be sent is one that was lost on the way.
    if (port !== 0 && !question.toString('latin1').startsWith(answerBegins) && mayAnswer())
      socket.send(answer, port, to, () => undefined);
  });
  try {
    socket.bind(found.port);
    await once(socket, 'listening');
    socket.on('message', take).on('error', (error) => warn(error.message));
    socket.setMulticastTTL(farthest);
    socket.addMembership(found.group);
  } catch (error) {
    warn(`could not be joined: ${(error as Error).message}`);
  }
  return () =>
    new Promise((resolve) => {
      socket.once('close', resolve).close();
    });
}
