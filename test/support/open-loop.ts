/**
 * Requests at a fixed rate, whatever becomes of those before (an open loop), each of them verified. The time that one
 * takes counts from the moment at which it was due, so that nothing is hidden by a client that waited.
 */
import { Connection, ExchangeError, type Answer, type Failure } from './http-exchange.js';

/** What is sent where. */
export interface LoadOptions {
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
  /** Connections are used again; else there is one for each request. */
  readonly keepAlive?: boolean;
  /** The versions that may answer at first; see `expect`. */
  readonly versions: readonly string[];
  /** How long one request may take, in ms. */
  readonly patience?: number;
}

/** What became of the requests. */
export interface Outcome {
  readonly sent: number;
  /** Answered as they should be. */
  readonly answered: number;
  /** How often each thing went wrong: a `Failure`, `wrong` answers, and `reset` also for connections that were reset after an answer. */
  readonly failed: ReadonlyMap<Failure | 'wrong', number>;
  /** The first of them in words. */
  readonly complaints: readonly string[];
  /** Connections that were closed between two answers when the next request was on its way already: it was sent again. */
  readonly crossed: number;
  /** How often each version answered. */
  readonly versions: ReadonlyMap<string, number>;
  /** In ms, ascending. */
  readonly latencies: readonly number[];
}

/** A text that is the answer to one request only, of the form `VERSION PATH`. */
const bodyOf = (version: string, path: string) => `${version} ${path}\n`;
const complaintsKept = 10;
/** So many requests under way are more than a machine that is up to its load ever has. */
const mostUnderWay = 4000;

/** A value below which this part of the sorted values is; 0 for none. */
export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;

/** Requests under way. */
export class OpenLoop {
  readonly #options: Required<LoadOptions>;
  readonly #begun = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  /** Connections that wait for their next request. */
  readonly #idle: Connection[] = [];
  readonly #failed = new Map<Failure | 'wrong', number>();
  readonly #complaints: string[] = [];
  readonly #versions = new Map<string, number>();
  readonly #latencies: number[] = [];
  #expected: readonly string[];
  #sent = 0;
  #crossed = 0;

  constructor(options: LoadOptions) {
    this.#options = { keepAlive: false, patience: 10_000, ...options };
    this.#expected = options.versions;
    // A late timer sends what has become due in between: the rate is kept.
    this.#timer = setInterval(() => this.#sendDue(), 1);
  }

  /** How many were answered well so far. */
  get answered(): number {
    return this.#latencies.length;
  }

  /** Whether something has gone wrong so far. */
  get failing(): boolean {
    return this.#failed.size > 0;
  }

  /** From now on only these versions may answer; a request that is on its way may also have one of those before. */
  expect(...versions: readonly string[]): void {
    this.#expected = versions;
  }

  /** Sends no more, and resolves when all that was sent has been answered or has failed. */
  async stop(): Promise<Outcome> {
    clearInterval(this.#timer);
    // A request leaves the end of its connection to be waited for.
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    for (const connection of this.#idle) connection.destroy();
    return {
      sent: this.#sent,
      answered: this.answered,
      failed: this.#failed,
      complaints: this.#complaints,
      crossed: this.#crossed,
      versions: this.#versions,
      latencies: this.#latencies.toSorted((a, b) => a - b),
    };
  }

  #sendDue(): void {
    const interval = 1000 / this.#options.rate;
    for (let due = this.#dueAt(interval); due <= performance.now(); due = this.#dueAt(interval))
      this.#await(this.#one(`/${++this.#sent}`, due));
  }

  #await(work: Promise<void>): void {
    const pending = work.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  #dueAt(interval: number): number {
    return this.#begun + this.#sent * interval;
  }

  async #one(path: string, due: number): Promise<void> {
    const before = this.#expected;
    if (this.#pending.size > mostUnderWay) return this.#fail('late', `${path}: ${mostUnderWay} others are under way`);
    try {
      const { status, body } = await this.#exchange(path);
      const allowed = [...new Set([...before, ...this.#expected])];
      const version = allowed.find((version) => body === bodyOf(version, path));
      if (status !== 200 || version === undefined)
        return this.#fail('wrong', `${path}: status ${status}, ${JSON.stringify(body)}, of ${allowed.join(' and ')}`);
      this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1);
      this.#latencies.push(performance.now() - due);
    } catch (error) {
      const { failure, message, begun } = error as ExchangeError;
      this.#fail(failure, `${path}: ${message}${begun ? ', in the middle of the answer' : ''}`);
    }
  }

  #fail(failure: Failure | 'wrong', complaint: string): void {
    this.#failed.set(failure, (this.#failed.get(failure) ?? 0) + 1);
    const at = ((performance.now() - this.#begun) / 1000).toFixed(3);
    if (this.#complaints.length < complaintsKept) this.#complaints.push(`after ${at} s: ${complaint}`);
  }

  /** @throws ExchangeError */
  async #exchange(path: string): Promise<Answer> {
    const { port, patience, keepAlive } = this.#options;
    for (let used = this.#idle.pop(); used; used = this.#idle.pop()) {
      if (!used.open) continue;
      try {
        return this.#keep(used, await used.ask(path, false));
      } catch (error) {
        const { begun, failure } = error as ExchangeError;
        // A server may close an idle connection at any time: who had just asked asks again on a new one.
        if (begun || !['cut', 'reset'].includes(failure)) throw error;
        this.#crossed++;
        break;
      }
    }
    const connection = new Connection(port, patience);
    const answer = await connection.ask(path, !keepAlive);
    if (keepAlive) return this.#keep(connection, answer);
    this.#await(
      connection.closed.then((well) => (well ? undefined : this.#fail('reset', `${path}: after the answer`))),
    );
    return answer;
  }

  #keep(connection: Connection, answer: Answer): Answer {
    if (!answer.closes) this.#idle.push(connection);
    return answer;
  }
}

/** Resolves with the answer of whoever serves at this port. @throws ExchangeError when nobody does */
export async function serves(port: number): Promise<Answer> {
  const connection = new Connection(port, 5000);
  try {
    return await connection.ask('/', true);
  } finally {
    connection.destroy();
  }
}

/** How many requests per second are answered when `clients` ask one after the other for `ms`. @throws ExchangeError */
export async function sustained(port: number, ms: number, clients = 16): Promise<number> {
  const end = performance.now() + ms;
  let answered = 0;
  const client = async () => {
    while (performance.now() < end) {
      const connection = new Connection(port, 10_000);
      await connection.ask('/', true);
      answered++;
      connection.destroy();
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return answered / (ms / 1000);
}
