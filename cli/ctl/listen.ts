/** `listen`: events as they come. */
import type { Subscriber } from 'zeromq';
import { ask, loadZeroMq, Unanswered, type Peer } from './client.js';
import { checkReachable } from './endpoint.js';
import { harmless } from './reply.js';
import type { Output } from './run.js';

/**
 * Prints one line per event whose topic begins with one of `topics`, until the signal. The endpoint is the daemon's, which
 * is asked where it publishes; one that takes no commands is taken for the address of events itself, as in Circus.
 */
export async function listen(
  peer: Peer,
  topics: readonly string[],
  json: boolean,
  output: Output,
  until: AbortSignal | undefined,
): Promise<void> {
  checkReachable(peer.endpoint);
  const { Subscriber } = loadZeroMq();
  let current = subscribe(Subscriber, peer.endpoint, topics);
  const stop = () => current.close();
  until?.addEventListener('abort', stop);
  try {
    // Both at once, so that no event is missed while a publisher is given time to answer.
    const published = addressOfEvents(peer, until);
    const direct = print(current, json, output);
    const address = await Promise.race([published, direct]);
    if (address !== undefined && !until?.aborted) {
      current.close();
      await direct;
      current = subscribe(Subscriber, address, topics);
      await print(current, json, output);
    } else {
      await direct;
    }
  } finally {
    until?.removeEventListener('abort', stop);
    current.close();
  }
}

function subscribe(Socket: typeof Subscriber, address: string, topics: readonly string[]): Subscriber {
  const socket = new Socket({ linger: 0 });
  socket.connect(address);
  socket.subscribe(...(topics.length === 0 ? [''] : topics));
  return socket;
}

/** Prints what comes until the socket is closed. */
async function print(socket: Subscriber, json: boolean, output: Output): Promise<undefined> {
  for await (const [topic, event] of socket) {
    if (event === undefined) continue;
    output.out(
      json ? `{"topic":${JSON.stringify(String(topic))},"event":${event}}\n` : harmless(`${topic}: ${event}\n`),
    );
  }
  return undefined;
}

/** Where the daemon publishes; undefined when the endpoint is not one for commands. @throws Failure when nobody is there */
async function addressOfEvents(peer: Peer, until: AbortSignal | undefined): Promise<string | undefined> {
  try {
    const reply = await ask(peer, { command: 'globaloptions', properties: {}, changes: false });
    const address = (reply['options'] as { pubsub_endpoint?: unknown } | undefined)?.pubsub_endpoint;
    return typeof address === 'string' ? reachable(address, peer.endpoint) : undefined;
  } catch (error) {
    if (until?.aborted || (error instanceof Unanswered && error.link === 'foreign')) return undefined;
    throw error;
  }
}

/** An address bound on all interfaces, seen from here: the daemon's own host. */
function reachable(address: string, endpoint: string): string {
  const [, host] = /^tcp:\/\/(.+):\d+$/.exec(endpoint) ?? [];
  return host === undefined ? address : address.replace(/^tcp:\/\/(0\.0\.0\.0|\*|\[::\]):/, `tcp://${host}:`);
}
