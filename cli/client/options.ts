/** What the client takes beside the words of commands. */
import { ClientError } from './errors.js';
import type { Curve, CurveFiles } from './socket.js';

/** Whom to talk to, and how. */
export interface ClientOptions {
  /** `ipc://PATH` or `tcp://HOST:PORT`; without it, the Unix socket of this user's daemon. */
  readonly endpoint?: string | undefined;
  /** Where events are published; without it, the daemon is asked. */
  readonly pubsub?: string | undefined;
  /** How long to wait for a reply, in ms; 5000 without it. With `waiting`, for the daemon to be reached. */
  readonly timeout?: number | undefined;
  readonly curve?: Curve | CurveFiles | undefined;
}

/** How long one request may take, and what ends it before. */
export interface RequestOptions {
  /** In ms; without it, that of the client, and with `waiting` as long as it takes. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Which events. */
export interface EventOptions {
  /** Only those of this watcher, or of those that a pattern, `@GROUP` or labels mean when it begins. */
  readonly watcher?: string | undefined;
  /** Only those whose topics begin with one of these. */
  readonly topics?: readonly string[] | undefined;
  /** How many may wait to be read before the oldest are dropped; 10,000 without it. */
  readonly buffer?: number | undefined;
  /** Ends the events. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws ClientError for a time that can't be waited */
export function checkTimeout(timeout: number): number {
  if (timeout > 0) return timeout;
  throw new ClientError('ERR_ARGUMENT', `"timeout" is a number of milliseconds above 0, not ${String(timeout)}`);
}
