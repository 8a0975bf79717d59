/** The wire format of Circus: requests and replies as JSON, and the numbers of errors (circus-compat §3). */
import { CircusError, isError, reasonOf, type ErrorCode } from '#core';

/**
 * What went wrong with a request, as Circus numbers it: 1 not JSON, 2 unknown command, 3 bad message, 4 the system
 * refused, 5 the command failed, 6 it failed after it had begun.
 */
export type Errno = 1 | 2 | 3 | 4 | 5 | 6;

/** A request that can't be fulfilled; the message is the reply's reason, in Circus's words where it has some. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly errno: Errno;
  /** What helps further, such as the nearest name: printed behind the reason. */
  readonly hint: string | undefined;
  /** Where several watchers were meant: the reply for each. */
  readonly replies: Readonly<Record<string, unknown>> | undefined;

  constructor(errno: Errno, reason: string, { hint, replies, ...options }: RequestErrorFacts = {}) {
    super(reason, options);
    this.errno = errno;
    this.hint = hint;
    this.replies = replies;
  }
}

/** What an error may have beside its number and its reason. */
interface RequestErrorFacts extends ErrorOptions {
  readonly hint?: string;
  readonly replies?: Readonly<Record<string, unknown>>;
}

/** True for one of any copy of this package: a plugin may come with its own. */
const isRequestError = (error: unknown): error is RequestError =>
  error instanceof Error && error.name === 'RequestError' && Number.isInteger((error as RequestError).errno);

/** A request as it came; `id` is echoed, a cast gets no reply. */
export interface Request {
  readonly command: string;
  readonly properties: unknown;
  readonly id: unknown;
  readonly cast: boolean;
}

const decoder = new TextDecoder('utf-8', { fatal: true });
/** What is longer is not sent back, in characters. */
const longestId = 1024;
/** Larger requests are refused unread. */
export const largestRequest = 1 << 20;

/** Reads one frame; undefined when Circus would not answer it either. @throws RequestError */
export function decodeRequest(frame: Uint8Array): Request | undefined {
  if (frame.length > largestRequest) throw new RequestError(3, `the request is larger than ${largestRequest} bytes`);
  let message: unknown;
  try {
    const text = decoder.decode(frame).trim();
    if (text === '') return undefined;
    message = JSON.parse(text);
  } catch (error) {
    throw new RequestError(1, 'json invalid', { cause: error });
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return undefined;
  const { command, properties = {}, id = null, msg_type } = message as Record<string, unknown>;
  if (typeof command !== 'string') return undefined;
  return { command, properties, id: echoed(id, frame.length), cast: msg_type === 'cast' };
}

/** An id as it is kept and sent back: none that is longer than any that is meant for that. */
function echoed(id: unknown, frameLength: number): unknown {
  if (frameLength <= longestId) return id;
  try {
    return JSON.stringify(id).length <= longestId ? id : null;
  } catch {
    return null;
  }
}

const now = () => Date.now() / 1000;

/** A successful reply; fields of the command go over `status` and `time`, as in Circus. */
export function encodeReply(fields: Readonly<Record<string, unknown>>, id: unknown): string {
  return withId({ status: 'ok', time: now(), ...fields, id });
}

/** The reply to a request that failed. */
export function encodeError({ errno, message, hint, replies }: RequestError, id: unknown): string {
  return withId({ status: 'error', reason: message, hint, tb: null, time: now(), errno, replies, id });
}

/** An id can be nested so deep that it can be read and not be written: whoever sent it is answered without. */
function withId(reply: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(reply);
  } catch {
    return JSON.stringify({ ...reply, id: null });
  }
}

/** The kernel's errors that are the asker's own: Circus counts them as bad messages. */
const messageErrors: readonly ErrorCode[] = ['ERR_WATCHER_UNKNOWN'];

/** That there is no such watcher, in Circus's words; the hint goes on after them. */
export const watcherNotFound = (name: string, hint?: string): RequestError =>
  new RequestError(3, `program ${name} not found`, {
    cause: new CircusError('ERR_WATCHER_UNKNOWN', [name]),
    ...(hint !== undefined && { hint }),
  });

/** True for an error that says there is no such watcher. */
export const isWatcherNotFound = (error: unknown): boolean =>
  isError(error, 'ERR_WATCHER_UNKNOWN') || (isRequestError(error) && isError(error.cause, 'ERR_WATCHER_UNKNOWN'));

/** Any error as a request's error; `begun` when the work was under way. */
export function asRequestError(error: unknown, begun = false): RequestError {
  if (isRequestError(error)) return error;
  const isMessage = messageErrors.some((code) => isError(error, code));
  return new RequestError(isMessage ? 3 : begun ? 6 : 5, reasonOf(error), { cause: error });
}

/** A text as Python quotes it, which is how Circus's reasons quote names. */
export function quoted(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
  return escaped.includes("'") && !escaped.includes('"') ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}
