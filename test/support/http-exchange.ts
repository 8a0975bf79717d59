/** HTTP/1 on raw sockets, so that everything that happens to a connection is seen: one request at a time. */
import { connect, type Socket } from 'node:net';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The server will close the connection, or need not be trusted to keep it. */
  readonly closes: boolean;
}

/** How a request failed: nobody listened, the connection ended or was reset before the answer was there, or something else. */
export type Failure = 'refused' | 'cut' | 'reset' | 'late' | 'other';

/** Thrown for a request that was not answered. */
export class ExchangeError extends Error {
  readonly failure: Failure;
  /** The first byte of the answer had come. */
  readonly begun: boolean;

  constructor(failure: Failure, begun: boolean, message: string = failure) {
    super(message);
    this.failure = failure;
    this.begun = begun;
  }
}

const failures: Readonly<Record<string, Failure>> = { ECONNREFUSED: 'refused', ECONNRESET: 'reset', EPIPE: 'reset' };

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: ExchangeError) => void;
}

/** The answer in a text, once all of it is there. @throws Error for what is no answer, or more than one */
function parse(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = text.slice(0, end);
  const [, minor, status] = /^HTTP\/1\.([01]) (\d{3})/.exec(head) ?? [];
  const [, length] = /^content-length: *(\d+)/im.exec(head) ?? [];
  if (status === undefined || length === undefined) throw new Error(`this is no answer with a length: ${head}`);
  const body = text.slice(end + 4);
  if (body.length < Number(length)) return undefined;
  if (body.length > Number(length)) throw new Error(`there is more than one answer: ${text}`);
  return { status: Number(status), body, closes: minor === '0' || /^connection: *close/im.test(head) };
}

/** One connection. */
export class Connection {
  /** Resolves when it is over: true unless it was reset. */
  readonly closed: Promise<boolean>;
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #text = '';
  #over: ExchangeError | undefined;

  constructor(port: number, patience: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const fail = (failure: Failure, message?: string) => {
      this.#over ??= new ExchangeError(failure, this.#text !== '', message);
      this.#waiting?.reject(this.#over);
      this.#waiting = undefined;
    };
    this.#socket.setEncoding('latin1').on('data', (part: string) => this.#read(part, fail));
    this.#socket
      .once('end', () => fail('cut'))
      .setTimeout(patience, () => {
        fail('late', `no answer within ${patience} ms`);
        this.#socket.destroy();
      });
    this.#socket.once('error', ({ code = '', message }: NodeJS.ErrnoException) =>
      fail(failures[code] ?? 'other', message),
    );
    this.closed = new Promise((resolve) =>
      this.#socket.once('close', () => {
        fail('cut');
        resolve(this.#over?.failure !== 'reset');
      }),
    );
  }

  /** It can be used for one more request, as far as is known. */
  get open(): boolean {
    return this.#over === undefined && this.#text === '';
  }

  /** Asks for a path; `last` has the server close the connection. Rejects with an ExchangeError. */
  ask(path: string, last: boolean): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#over) return reject(this.#over);
      this.#waiting = { resolve, reject };
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\nConnection: ${last ? 'close' : 'keep-alive'}\r\n\r\n`);
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(part: string, fail: (failure: Failure, message: string) => void): void {
    this.#text += part;
    try {
      const answer = parse(this.#text);
      if (!answer) return;
      if (!this.#waiting) throw new Error(`nobody asked for this: ${this.#text}`);
      this.#text = '';
      this.#waiting.resolve(answer);
      this.#waiting = undefined;
    } catch (error) {
      fail('other', (error as Error).message);
      this.#socket.destroy();
    }
  }
}
