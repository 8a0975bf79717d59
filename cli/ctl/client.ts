/** One request over ZeroMQ, as Circus's clients make it. */
import { createRequire } from 'node:module';
import type { Dealer } from 'zeromq';
import { checkReachable, nobodyAt } from './endpoint.js';
import { exitCodes, Failure, usageFailure, type Reply } from './failure.js';
import type { Properties } from './request.js';

/** Whom to ask, and how long to wait, in ms. */
export interface Peer {
  readonly endpoint: string;
  readonly timeout: number;
  /** Whoever asks to be answered when it is done, and says no time, waits for a daemon that is there as long as it takes. */
  readonly patient: boolean;
}

/** What to ask; one that `changes` something may go on when nobody waits any more. */
export interface Question {
  readonly command: string;
  readonly properties: Properties;
  readonly changes: boolean;
}

/** How long an answer may come after the end of its connection, in ms. */
const lastWords = 200;

/** How far the connection has come: nobody was reached, somebody was who does not speak our part, or a daemon. */
type Link = 'none' | 'foreign' | 'up';

/** No answer came in time. */
export class Unanswered extends Failure {
  readonly link: Link;

  constructor(link: Link, why: string) {
    super(exitCodes.failed, `Timed out.\n${why}`);
    this.link = link;
  }
}

/** The ZeroMQ package, loaded when it is needed first; `import()` of it takes 4 ms longer. @throws Failure */
export function loadZeroMq(): typeof import('zeromq') {
  try {
    return createRequire(import.meta.url)('zeromq') as typeof import('zeromq');
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new Failure(exitCodes.failed, `error: package "zeromq" could not be loaded: ${reason}`);
  }
}

/** An identity that no other client has: 32 hex digits, as Circus's. No secret, and node:crypto would take 4 ms to load. */
function makeId(): string {
  const eight = () =>
    Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return process.pid.toString(16).padStart(8, '0') + eight() + eight() + eight();
}

/** Asks and resolves with the reply, also with one that tells of an error. @throws Failure */
export async function ask({ endpoint, timeout, patient }: Peer, question: Question): Promise<Reply> {
  checkReachable(endpoint);
  const { Dealer } = loadZeroMq();
  const id = makeId();
  const dealer = new Dealer({ linger: 0, routingId: id });
  let link: Link = 'none';
  let leaving: NodeJS.Timeout | undefined;
  const gone = new Promise<never>((_, reject) => {
    let attempts = 0;
    dealer.events.on('connect', () => (link = 'foreign'));
    dealer.events.on('handshake', () => (link = 'up'));
    // Twice, as a daemon that starts right now makes the file a moment before it listens.
    dealer.events.on('connect:retry', ({ address }) => {
      if (address.startsWith('ipc:') && link === 'none' && ++attempts === 2) reject(nobodyAt(endpoint));
    });
    // What it sent last, such as the answer to "quit", may be told after this.
    dealer.events.on('disconnect', () => {
      const wentAway = `error: the daemon at ${endpoint} went away before it had answered`;
      if (link === 'up') leaving ??= setTimeout(() => reject(new Failure(exitCodes.failed, wentAway)), lastWords);
    });
  });
  gone.catch(() => undefined);
  try {
    connect(dealer, endpoint);
    const { command, properties } = question;
    await dealer.send(JSON.stringify({ id, command, properties }));
    const endless = patient && properties['waiting'] === true;
    for (;;) {
      const reply = await Promise.race([gone, receive(dealer, id, endpoint, performance.now() + timeout)]);
      if (reply !== undefined) return reply;
      // TypeScript does not see that events change it.
      if (!endless || (link as Link) !== 'up') throw timedOut(link, { endpoint, timeout }, question);
    }
  } finally {
    clearTimeout(leaving);
    dealer.close();
  }
}

function connect(dealer: Dealer, endpoint: string): void {
  try {
    dealer.connect(endpoint);
  } catch (error) {
    throw usageFailure(`"${endpoint}" is no endpoint: ${(error as Error).message}`);
  }
}

/** The reply with this id; undefined when it is too late. @throws Failure for what no daemon says */
async function receive(dealer: Dealer, id: string, endpoint: string, end: number): Promise<Reply | undefined> {
  for (;;) {
    dealer.receiveTimeout = Math.max(1, Math.ceil(end - performance.now()));
    let frames: readonly Buffer[];
    try {
      frames = await dealer.receive();
    } catch {
      return undefined;
    }
    const reply = decode(frames, endpoint);
    if (reply['id'] === id) return reply;
    if (performance.now() >= end) return undefined;
  }
}

function decode(frames: readonly Buffer[], endpoint: string): Reply {
  const text = frames.at(-1)?.toString() ?? '';
  try {
    const reply: unknown = JSON.parse(text);
    if (typeof reply === 'object' && reply !== null && !Array.isArray(reply)) return reply as Reply;
  } catch {
    // The same as something else.
  }
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
  throw new Failure(exitCodes.failed, `error: ${endpoint} answers, but not as a circusd does: ${shown}`);
}

function timedOut(
  link: Link,
  { endpoint, timeout }: Omit<Peer, 'patient'>,
  { command, changes }: Question,
): Unanswered {
  const waited = `within ${timeout / 1000} s`;
  const why: Readonly<Record<Link, string>> = {
    none: `Nobody could be reached at ${endpoint} ${waited}, so nothing was asked: is the daemon running, and is that its endpoint (--endpoint)?`,
    foreign: `Whoever listens at ${endpoint} takes no commands, so nothing was asked: is that the control endpoint of the daemon (--endpoint)?`,
    up: changes
      ? `The daemon at ${endpoint} took "${command}" and has not answered ${waited}; it may still be at it: look with "circusctl status", or wait longer with --timeout.`
      : `The daemon at ${endpoint} has not answered ${waited}: it may be busy; wait longer with --timeout.`,
  };
  return new Unanswered(link, why[link]);
}
