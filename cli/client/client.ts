/** The client: a connection to one daemon, requests, and events. */
import { defaultEndpoints } from '#plugins/controller/endpoint.js';
import type { Answer, Commands, Properties, Several } from './commands.js';
import { ClientError, type Reply } from './errors.js';
import { isSelector } from '#plugins/selector.js';
import { eachOf } from './several.js';
import { EventStream, nameInTopics, readEvent, type WatcherEvent } from './events.js';
import { Exchange } from './exchange.js';
import { seenFrom } from './reach.js';
import { Requests, type More } from './requests.js';
import { checkTimeout, type ClientOptions, type EventOptions, type RequestOptions } from './options.js';
import { curveFrom, loadZeroMq, type Curve } from './socket.js';

/** Connects to a daemon, which goes on in the background. @throws ClientError for options that can't be meant */
export const connect = (options?: ClientOptions): Client => new Client(options);

/** One daemon. Requests may be made at any time and in any number; each rejects with a `ClientError`. */
export class Client extends Requests {
  readonly endpoint: string;
  readonly #timeout: number;
  readonly #curve: Curve | undefined;
  readonly #exchange: Exchange;
  readonly #streams = new Set<EventStream<unknown>>();
  #pubsub: string | undefined;
  #closed = false;

  /** @throws ClientError */
  constructor({ endpoint, pubsub, timeout = 5000, curve }: ClientOptions = {}) {
    super();
    this.endpoint = endpoint ?? defaultEndpoints().endpoint;
    for (const address of [this.endpoint, pubsub])
      if (address !== undefined && !/^(tcp:\/\/.+:\d+|ipc:\/\/.+)$/.test(address))
        throw new ClientError('ERR_ARGUMENT', `"${address}" is no endpoint: it is tcp://HOST:PORT or ipc://PATH`);
    this.#timeout = checkTimeout(timeout);
    this.#pubsub = pubsub;
    this.#curve = curveFrom(curve);
    loadZeroMq();
    this.#exchange = new Exchange(this.endpoint, this.#curve);
  }

  /** Asks for a command by its name. @throws ClientError */
  request<C extends keyof Commands>(
    command: C,
    properties: Properties<C>,
    options?: RequestOptions,
  ): Promise<Answer<C>> {
    return this.call<Answer<C>>(command, properties, options);
  }

  /**
   * Asks for a command for each of the watchers that patterns, `@GROUP`, labels or names mean, and resolves with the
   * replies by watcher, also with those that tell of an error. @throws ClientError when nothing was done
   */
  each<C extends keyof Commands>(
    command: C,
    names: string | readonly string[],
    more: More<C>,
  ): Promise<Several<C>['replies']> {
    return eachOf(this, command, names, more);
  }

  /** Asks for a command that may be a plugin's. @throws ClientError */
  async call<R = Reply>(
    command: string,
    properties: object = {},
    { timeout, signal }: RequestOptions = {},
  ): Promise<R> {
    const waits = command === 'wait' || Boolean((properties as { readonly waiting?: unknown }).waiting);
    const patient = timeout === undefined && waits;
    const reply = await this.#exchange.ask({
      command,
      properties,
      timeout: checkTimeout(timeout ?? this.#timeout),
      patient,
      signal,
    });
    if (reply['status'] !== 'error') return reply as R;
    const { reason, hint } = reply;
    const why = typeof reason === 'string' ? reason : 'the daemon gives no reason';
    const more = typeof hint === 'string' ? ` (${hint})` : '';
    throw new ClientError('ERR_REFUSED', `"${command}" was refused: ${why}${more}`, { reply });
  }

  /** Has something done that nobody answers; resolves when it is on its way to a daemon. @throws ClientError */
  async cast(command: string, properties: object = {}, { timeout, signal }: RequestOptions = {}): Promise<void> {
    const within = checkTimeout(timeout ?? this.#timeout);
    await this.#exchange.ask({ command, properties, timeout: within, patient: false, cast: true, signal });
  }

  /** Events from now on; those that were published before are lost. It ends with `break`, the signal, or the client. */
  events({ watcher, topics = [], buffer = 10_000, signal }: EventOptions = {}): EventStream<WatcherEvent> {
    const names = new Set<string>();
    const starts = watcher === undefined ? [...topics] : [];
    const address = async () => {
      for (const name of watcher === undefined ? [] : await this.watchersOf(watcher, { signal })) {
        names.add(nameInTopics(name));
        starts.push(`watcher.${nameInTopics(name)}.`);
      }
      return this.pubsubEndpoint({ signal });
    };
    const begins = (topic: string) => topics.length === 0 || topics.some((start) => topic.startsWith(start));
    const stream: EventStream<WatcherEvent> = new EventStream(address(), {
      topics: starts,
      buffer,
      curve: this.#curve,
      signal,
      read: (topic, payload) => {
        const event = begins(topic) ? readEvent(topic, payload) : undefined;
        // "web" is also how the topics of "web.api" begin.
        return watcher === undefined || (event && names.has(event.watcher)) ? event : undefined;
      },
      closed: () => this.#streams.delete(stream),
    });
    this.#streams.add(stream);
    return stream;
  }

  /** The names of the watchers that a pattern, `@GROUP` or labels mean now; any other text is a name. @throws ClientError */
  async watchersOf(selector: string, options: RequestOptions = {}): Promise<readonly string[]> {
    if (!isSelector(selector)) return [selector];
    const { replies } = await this.call<Partial<Several<'list'>>>('list', { name: selector }, options);
    return replies ? Object.keys(replies) : [selector];
  }

  /** Where the daemon publishes events, as it is reached from here. @throws ClientError */
  async pubsubEndpoint(options: RequestOptions = {}): Promise<string> {
    if (this.#closed) throw new ClientError('ERR_CLOSED', 'the client was closed');
    if (this.#pubsub !== undefined) return this.#pubsub;
    const reply: Reply = await this.call('globaloptions', {}, options);
    const address = (reply['options'] as { readonly pubsub_endpoint?: unknown } | undefined)?.pubsub_endpoint;
    if (typeof address === 'string') return (this.#pubsub = seenFrom(this.endpoint, address));
    throw new ClientError('ERR_PROTOCOL', `${this.endpoint} does not tell where it publishes events`);
  }

  /** Ends the connection, all requests and all events. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams) stream.close();
    this.#exchange.close();
  }
}
