/** Requests that mean several watchers. */
import type { Client } from './client.js';
import type { Commands, Part, Several } from './commands.js';
import { isClientError } from './errors.js';
import type { RequestOptions } from './options.js';

/** The replies by watcher, also those that tell of an error; `names` are patterns, groups, labels or names. @throws ClientError */
export async function eachOf<C extends keyof Commands>(
  client: Client,
  command: C,
  names: string | readonly string[],
  { timeout, signal, ...properties }: RequestOptions,
): Promise<Several<C>['replies']> {
  const given = { ...properties, names: typeof names === 'string' ? [names] : names };
  try {
    return (await client.call<Several<C>>(command, given, { timeout, signal })).replies;
  } catch (error) {
    const replies = isClientError(error, 'ERR_REFUSED') ? error.reply?.['replies'] : undefined;
    if (typeof replies !== 'object' || replies === null) throw error;
    return replies as Readonly<Record<string, Part<C>>>;
  }
}
