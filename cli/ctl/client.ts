/** One request of circusctl, and what it says when there is no answer. */
import { circusEndpoints } from '#plugins/controller/endpoint.js';
import { Client, ClientError, isClientError, type Job } from '../client/index.js';
import { commandsIn } from './command-line.js';
import { exitCodes, Failure, usageFailure, type Reply } from './failure.js';
import type { Curve } from '../client/socket.js';
import type { Properties } from './request.js';
import type { CommandFacts } from './table.js';

/** Whom to ask, and how long to wait, in ms. */
export interface Peer {
  readonly endpoint: string;
  readonly timeout: number;
  /** Whoever asks to be answered when it is done, and says no time, waits for a daemon that is there as long as it takes. */
  readonly patient: boolean;
  readonly curve?: Curve | undefined;
}

/** What to ask; one that `changes` something may go on when nobody waits any more. */
export interface Question {
  readonly command: string;
  readonly properties: Properties;
  readonly changes: boolean;
}

/** How long to wait for what is still going on, in ms: whoever is told has waited long enough. */
const briefly = 500;
const mostShown = 3;

/** Asks and resolves with the reply, also with one that tells of an error. @throws Failure */
export async function ask(peer: Peer, question: Question): Promise<Reply> {
  const { endpoint, timeout, patient, curve } = peer;
  const { command, properties, changes } = question;
  let client: Client | undefined;
  try {
    client = new Client({ endpoint, timeout, curve });
    return await client.call(command, properties, patient ? {} : { timeout });
  } catch (error) {
    if (isClientError(error, 'ERR_REFUSED') && error.reply) return error.reply;
    const goingOn =
      changes && client && isClientError(error, 'ERR_TIMEOUT') ? await stillRunning(client, properties) : '';
    throw failureOf(error, question, endpoint, goingOn);
  } finally {
    client?.close();
  }
}

/** The commands that plugins have added to this daemon; none when it can't be asked, as it is then no help. */
export async function addedCommands(peer: Peer): Promise<readonly CommandFacts[]> {
  try {
    return commandsIn(await ask(peer, { command: 'commands', properties: {}, changes: false }));
  } catch {
    return [];
  }
}

/** An error of the client in the words of circusctl. */
export function failureOf(error: unknown, { command, changes }: Question, endpoint: string, goingOn = ''): unknown {
  if (!(error instanceof ClientError)) return error;
  const { code, message, waited } = error;
  const late = (why: string) => new Failure(exitCodes.failed, `Timed out.\n${why}`);
  const within = `within ${Number(waited) / 1000} s`;
  if (code === 'ERR_ARGUMENT') return usageFailure(message);
  if (code === 'ERR_TIMEOUT')
    return late(
      changes
        ? `The daemon at ${endpoint} took "${command}" and has not answered ${within}; ${goingOn || 'it may still be at it'}: look with "circusctl jobs", or wait longer with --timeout.`
        : `The daemon at ${endpoint} has not answered ${within}: it may be busy; wait longer with --timeout.`,
    );
  if (code === 'ERR_FOREIGN')
    return late(
      `Whoever listens at ${endpoint} takes no commands from here, so nothing was asked: is that the control endpoint of the daemon (--endpoint), and does it want keys (--key, --server-key)?`,
    );
  if (code !== 'ERR_UNREACHABLE') return new Failure(exitCodes.failed, `error: ${message}`);
  if (waited === undefined)
    return new Failure(
      exitCodes.failed,
      `error: ${message}: start one with "circusd FILE", or name another endpoint with --endpoint ` +
        `(in Circus's configurations mostly ${circusEndpoints.endpoint})`,
    );
  return late(
    `Nobody could be reached at ${endpoint} ${within}, so nothing was asked: is the daemon running, and is that its endpoint (--endpoint)?`,
  );
}

/** What is being done to the watcher that was named, or to any; empty when nothing is, or the daemon can't tell. */
async function stillRunning(client: Client, { name }: Properties): Promise<string> {
  const { jobs } = await client.jobs(undefined, { timeout: briefly }).catch(() => ({ jobs: [] }));
  const all = (Array.isArray(jobs) ? (jobs as readonly unknown[]) : []).filter(isJob);
  const wanted = String(name).toLowerCase();
  const own = all.filter(({ watchers }) => watchers.some((watcher) => watcher.toLowerCase() === wanted));
  const shown = own.length > 0 ? own : all;
  const more = shown.length > mostShown ? [`${shown.length - mostShown} more`] : [];
  return [...shown.slice(0, mostShown).map(jobText), ...more].join(', ');
}

function isJob(value: unknown): value is Job {
  const { command, watchers, state, progress } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const texts = [command, state, ...(Array.isArray(watchers) ? (watchers as readonly unknown[]) : [undefined])];
  return texts.every((fact) => typeof fact === 'string') && typeof progress === 'object' && progress !== null;
}

function jobText({ id, command, watchers, state, progress }: Job): string {
  const about = watchers.length === 0 ? '' : ` of ${watchers.map((watcher) => `"${watcher}"`).join(', ')}`;
  const far = [progress.text, progress.step].filter((part) => part !== undefined);
  const done = far.length === 0 ? '' : ` (${far.join('; ')})`;
  return `${command}${about} is ${state === 'running' ? 'still running' : state}${done} as job ${id}`;
}
