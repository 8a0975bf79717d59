/** Requests and their replies, over one connection after the other. */
import { ClientError, isClientError, type ClientErrorCode, type Reply } from './errors.js';
import { lastWords, Link } from './link.js';
import { checkReachable, nobodyAt } from './reach.js';
import { makeId, type Curve } from './socket.js';

/** What a timer of Node can hold, in ms; whoever waits longer waits without end. */
const longest = 2 ** 31 - 1;

/** What is asked. */
export interface Question {
  readonly command: string;
  readonly properties: object;
  /** In ms. */
  readonly timeout: number;
  /** The time is for reaching the daemon only. */
  readonly patient: boolean;
  /** Nobody is to answer: it is over when it is on its way. */
  readonly cast?: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A request that is not answered yet. */
interface Open {
  readonly frame: string;
  readonly cast: boolean;
  /** Over which connection it went; undefined before. */
  link: Link | undefined;
  resolve(reply: Reply): void;
  reject(error: ClientError): void;
}

/** Asks a daemon, as often as wanted, and matches the replies by their ids. */
export class Exchange {
  readonly #endpoint: string;
  readonly #curve: Curve | undefined;
  readonly #open = new Map<string, Open>();
  readonly #unsent = new Set<Open>();
  #link: Link | undefined;
  #sending: Link | undefined;
  /** There was a daemon once; when it is away, it is waited for. */
  #known = false;
  #closed = false;

  constructor(endpoint: string, curve: Curve | undefined) {
    this.#endpoint = endpoint;
    this.#curve = curve;
  }

  /** Resolves with the reply, also with one that tells of an error; that to a cast is empty. @throws ClientError */
  ask({ command, properties, timeout, patient, cast = false, signal }: Question): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const id = makeId();
      const end = (act: () => void) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#open.delete(id);
        this.#unsent.delete(request);
        if (this.#unsent.size === 0 && this.#link?.state !== 'up') this.#drop();
        act();
      };
      const request: Open = {
        frame: encode(command, properties, cast ? { msg_type: 'cast' } : { id }),
        cast,
        link: undefined,
        resolve: (reply) => end(() => resolve(reply)),
        reject: (error) => end(() => reject(error)),
      };
      const abort = () =>
        request.reject(new ClientError('ERR_ABORTED', `"${command}" was aborted`, { cause: signal?.reason }));
      const late = () => {
        if (!patient || request.link === undefined) request.reject(this.#timedOut(request, command, timeout));
      };
      const timer = timeout > longest ? undefined : setTimeout(late, timeout);
      if (this.#closed) return request.reject(closed());
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort);
      this.#open.set(id, request);
      this.#unsent.add(request);
      if (this.#link) void this.#send();
      else this.#connect();
    });
  }

  /** Ends the connection and all that waits for an answer. */
  close(): void {
    this.#closed = true;
    for (const request of this.#open.values()) request.reject(closed());
    this.#drop();
  }

  #drop(): void {
    this.#link?.close();
    this.#link = undefined;
  }

  #connect(): void {
    try {
      this.#check();
      const link = new Link(this.#endpoint, this.#curve, {
        up: () => {
          this.#known = true;
          void this.#send();
        },
        nobody: () => {
          if (!this.#known) this.#fail(this.#unsent, nobodyAt(this.#endpoint));
        },
        lost: () => this.#lost(link),
        reply: (text) => this.#reply(link, text),
      });
      this.#link = link;
    } catch (error) {
      this.#fail(this.#unsent, error as ClientError);
    }
  }

  #check(): void {
    try {
      checkReachable(this.#endpoint);
    } catch (error) {
      if (!this.#known || !isClientError(error, 'ERR_UNREACHABLE')) throw error;
    }
  }

  /** Sends what waits for it, in order; ZeroMQ takes one message at a time, and none while too many are unread. */
  async #send(): Promise<void> {
    const link = this.#link;
    if (link?.state !== 'up' || this.#sending === link) return;
    this.#sending = link;
    for (const request of this.#unsent) {
      this.#unsent.delete(request);
      request.link = link;
      // It fails only when the connection ends, and then all that went over it does.
      await link.send(request.frame).catch(() => undefined);
      if (request.cast) request.resolve({});
      if (this.#link !== link) break;
    }
    if (this.#sending === link) this.#sending = undefined;
  }

  #reply(link: Link, text: string): void {
    const reply = decode(text);
    if (reply) return this.#open.get(String(reply['id']))?.resolve(reply);
    const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
    const message = `${this.#endpoint} answers, but not as a circusd does: ${shown}`;
    this.#fail(this.#sentOver(link), new ClientError('ERR_PROTOCOL', message));
  }

  #lost(link: Link): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    if (this.#unsent.size > 0) this.#connect();
    const end = () => {
      const message = `the daemon at ${this.#endpoint} went away before it had answered`;
      this.#fail(this.#sentOver(link), new ClientError('ERR_LOST', message));
      link.close();
    };
    if (this.#sentOver(link).length === 0) end();
    else setTimeout(end, lastWords);
  }

  #sentOver(link: Link): Open[] {
    return [...this.#open.values()].filter((request) => request.link === link);
  }

  #fail(requests: Iterable<Open>, error: ClientError): void {
    for (const request of [...requests]) request.reject(error);
  }

  #timedOut({ link }: Open, command: string, waited: number): ClientError {
    const [code, message] = this.#whyLate(
      link ? 'up' : (this.#link?.state ?? 'none'),
      command,
      `within ${waited / 1000} s`,
    );
    return new ClientError(code, message, { waited });
  }

  #whyLate(state: Link['state'], command: string, within: string): [ClientErrorCode, string] {
    const at = this.#endpoint;
    if (state === 'up') return ['ERR_TIMEOUT', `the daemon at ${at} took "${command}" and has not answered ${within}`];
    if (state === 'none')
      return ['ERR_UNREACHABLE', `nobody could be reached at ${at} ${within}, so nothing was asked`];
    const why = 'it is no control endpoint, or wants other keys';
    return ['ERR_FOREIGN', `whoever listens at ${at} takes no commands from here, so nothing was asked: ${why}`];
  }
}

const closed = () => new ClientError('ERR_CLOSED', 'the client was closed');

/** @throws ClientError for what is no JSON */
function encode(command: string, properties: object, more: object): string {
  try {
    return JSON.stringify({ command, properties, ...more });
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new ClientError('ERR_ARGUMENT', `the properties of "${command}" can't be sent: ${reason}`, { cause: error });
  }
}

function decode(text: string): Reply | undefined {
  try {
    const reply: unknown = JSON.parse(text);
    return typeof reply === 'object' && reply !== null && !Array.isArray(reply) ? (reply as Reply) : undefined;
  } catch {
    return undefined;
  }
}
