/** An open loop of requests: a fixed rate whatever becomes of them, a connection for each. */
import { get } from 'node:http';

/** What became of the requests. */
export interface Outcome {
  readonly sent: number;
  /** How often each text was the answer. */
  readonly answers: ReadonlyMap<string, number>;
  /** No connection: nobody listened. */
  readonly refused: number;
  /** A connection that ended before the answer was complete. */
  readonly cut: number;
  /** Everything else that went wrong, in words. */
  readonly failures: readonly string[];
}

/** Requests under way. */
export interface Load {
  /** How many were answered so far. */
  readonly answered: number;
  /** Sends no more, and resolves when the last answer is there. */
  stop(): Promise<Outcome>;
}

/** How long one request may take, in ms. */
const patience = 5000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request on a connection of its own. @throws the error of the connection */
export function request(port: number, path = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = get({ host: '127.0.0.1', port, path, agent: false, timeout: patience }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject).once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${patience} ms`)));
    sent.once('error', reject);
  });
}

/** Begins to send `rate` requests per second. */
export function sendRequests(port: number, rate: number): Load {
  const answers = new Map<string, number>();
  const failures: string[] = [];
  const counts = { sent: 0, refused: 0, cut: 0, answered: 0 };
  const pending = new Set<Promise<void>>();
  const begun = performance.now();

  const one = async () => {
    try {
      const { status, text } = await request(port);
      if (status !== 200) throw new Error(`status ${status}`);
      answers.set(text, (answers.get(text) ?? 0) + 1);
      counts.answered++;
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED') counts.refused++;
      else if (code === 'ECONNRESET' || code === 'EPIPE') counts.cut++;
      else failures.push(`${code} ${message}`);
    }
  };
  // A late timer sends what has become due in between: the rate is kept.
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1000) * rate;
    while (counts.sent < due) {
      counts.sent++;
      const sent = one().finally(() => pending.delete(sent));
      pending.add(sent);
    }
  }, 1000 / rate);

  return {
    get answered() {
      return counts.answered;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      const { sent, refused, cut } = counts;
      return { sent, answers, refused, cut, failures };
    },
  };
}

/** Asks one after the other until `count` different answers came, and resolves with them. @throws when they don't come */
export async function differentAnswers(
  port: number,
  count: number,
  within = 5000,
  ask = async (at: number) => (await request(at)).text,
): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const end = performance.now() + within;
  while (seen.size < count) {
    if (performance.now() > end) throw new Error(`${count} different answers wanted, got: ${[...seen].join('')}`);
    // Several at once, as one worker could answer all of a slow series.
    const answers = await Promise.all(Array.from({ length: 2 * count }, () => ask(port)));
    for (const text of answers) seen.add(text);
  }
  return seen;
}
