/** `listen`: events as they come. */
import { isSelector } from '#plugins/selector.js';
import { EventStream, nameInTopics } from '../client/events.js';
import { Client, isClientError } from '../client/index.js';
import { checkReachable } from '../client/reach.js';
import { failureOf, type Peer } from './client.js';
import { exitCodes, Failure } from './failure.js';
import { harmless, refusalAsText } from './reply.js';
import type { Output } from './run.js';

const question = { command: 'globaloptions', properties: {}, changes: false };

/**
 * Prints one line per event whose topic begins with one of `topics`, or that is of a watcher which one of them means as a
 * pattern, `@GROUP` or labels, until the signal. The endpoint is the daemon's, which
 * is asked where it publishes; one that takes no commands is taken for the address of events itself, as in Circus.
 */
export async function listen(
  { endpoint, timeout, curve }: Peer,
  topics: readonly string[],
  json: boolean,
  output: Output,
  signal: AbortSignal | undefined,
): Promise<void> {
  const open = new Set<{ close(): void }>();
  const print = async (address: string, beginnings: readonly Beginning[]) => {
    const read = (topic: string, payload: string) => {
      if (beginnings.length > 0 && !beginnings.some((one) => begins(topic, one))) return undefined;
      return json ? `{"topic":${JSON.stringify(topic)},"event":${payload}}\n` : harmless(`${topic}: ${payload}\n`);
    };
    const lines = new EventStream(Promise.resolve(address), {
      topics: beginnings.map(({ start }) => start),
      buffer: 10_000,
      curve,
      signal,
      read,
      closed: () => undefined,
    });
    open.add(lines);
    for await (const line of lines) output.out(line);
  };
  try {
    checkReachable(endpoint);
    const client = new Client({ endpoint, timeout, curve });
    open.add(client);
    // Both at once, so that no event is missed while a publisher is given time to answer.
    const direct = print(
      endpoint,
      topics.map((start) => ({ start })),
    );
    const address = await Promise.race([addressOfEvents(client, signal), direct]);
    if (address === undefined) return await direct;
    const chosen = await beginningsFor(client, topics, signal);
    close(open);
    await direct;
    await print(address, chosen);
  } catch (error) {
    if (signal?.aborted) return;
    if (isClientError(error, 'ERR_REFUSED') && error.reply)
      throw new Failure(exitCodes.refused, refusalAsText('listen', error.reply), error.reply);
    throw failureOf(error, question, endpoint);
  } finally {
    close(open);
  }
}

function close(open: Set<{ close(): void }>): void {
  for (const one of open) one.close();
  open.clear();
}

/** How topics may begin; `isWatcher` is for those of one watcher, as the names of others may begin alike. */
interface Beginning {
  readonly start: string;
  readonly isWatcher?: true;
}

const begins = (topic: string, { start, isWatcher }: Beginning) =>
  topic.startsWith(start) && !(isWatcher && topic.includes('.', start.length));

/** From beginnings of topics, and from what means watchers. @throws ClientError */
async function beginningsFor(client: Client, topics: readonly string[], signal: AbortSignal | undefined) {
  const all = topics.map(async (topic): Promise<readonly Beginning[]> => {
    if (!isSelector(topic)) return [{ start: topic }];
    const names = await client.watchersOf(topic, { signal });
    return names.map((name) => ({ start: `watcher.${nameInTopics(name)}.`, isWatcher: true }));
  });
  return (await Promise.all(all)).flat();
}

/** Where the daemon publishes; undefined when the endpoint is not one for commands. @throws ClientError */
async function addressOfEvents(client: Client, signal: AbortSignal | undefined): Promise<string | undefined> {
  try {
    return await client.pubsubEndpoint({ signal });
  } catch (error) {
    if (isClientError(error, 'ERR_FOREIGN')) return undefined;
    throw error;
  }
}
