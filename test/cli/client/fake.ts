/** Somebody at an endpoint who answers what a test tells him to. */
import { Router, type SocketOptions } from 'zeromq';
import { connect, type Client, type ClientOptions } from '../../../cli/client/index.js';

/** A request as it came, and how to answer it: with a reply to its id, or with any text. */
export interface Request {
  readonly id: string;
  readonly command: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Ok, and these fields. */
  reply(fields?: Readonly<Record<string, unknown>>): void;
  say(text: string): void;
}

const open: { close(): void }[] = [];

/** To be called in a `describe`: closes after each test what it opened. */
export function closeAfterEach(): void {
  afterEach('close what was opened', () => {
    for (const one of open.splice(0).reverse()) one.close();
  });
}

/** Has something closed after the test. */
export function closing<T extends { close(): void }>(one: T): T {
  open.push(one);
  return one;
}

/** A client that is closed after the test. */
export const client = (options: ClientOptions): Client => closing(connect(options));

/** Answers every request at the endpoint with `handle`; `requests` holds all that came. */
export async function fakeDaemon(
  endpoint: string,
  handle: (request: Request) => void = () => undefined,
  options: SocketOptions<Router> = {},
): Promise<{ readonly endpoint: string; readonly requests: readonly Request[]; close(): void }> {
  const router = closing(new Router({ linger: 0, sendHighWaterMark: 0, ...options }));
  await router.bind(endpoint);
  const requests: Request[] = [];
  // One at a time, as ZeroMQ wants it.
  let sent: Promise<unknown> = Promise.resolve();
  const serve = async () => {
    for await (const [peer, frame] of router) {
      const request = JSON.parse(String(frame)) as Pick<Request, 'id' | 'command' | 'properties'>;
      const say = (text: string) => {
        sent = sent.then(() => router.send([peer!, text])).catch(() => undefined);
      };
      const reply = (fields = {}) => say(JSON.stringify({ status: 'ok', time: 1, ...fields, id: request.id }));
      requests.push({ ...request, say, reply });
      handle(requests.at(-1)!);
    }
  };
  serve().catch(() => undefined);
  return { endpoint: router.lastEndpoint ?? endpoint, requests, close: () => router.close() };
}

/** The methods that one class has, with those of the class that it extends. */
export function methodsOf(one: typeof Client): readonly string[] {
  const classes = [one, Object.getPrototypeOf(one) as typeof Client];
  const all = classes.flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype));
  return all.filter((name) => name !== 'constructor');
}
