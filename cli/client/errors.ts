/** What can go wrong between a client and a daemon. */

/** The codes of the client's errors; docs/reference/client.md says when each comes, and what to do. */
export const clientErrorCodes = [
  'ERR_ABORTED',
  'ERR_ARGUMENT',
  'ERR_CLOSED',
  'ERR_FORBIDDEN',
  'ERR_FOREIGN',
  'ERR_LOST',
  'ERR_PROTOCOL',
  'ERR_REFUSED',
  'ERR_TIMEOUT',
  'ERR_UNREACHABLE',
  'ERR_ZEROMQ',
] as const;

export type ClientErrorCode = (typeof clientErrorCodes)[number];

/** A reply of the daemon, as it came. */
export type Reply = Readonly<Record<string, unknown>>;

/** What a client's error may carry beside its code. */
export interface ClientErrorFacts extends ErrorOptions {
  readonly reply?: Reply;
  readonly waited?: number;
}

/** The one error of the client: the code is API, the message is one sentence for people. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  /** Of `ERR_REFUSED`: the daemon's reply, with what else it holds. */
  readonly reply: Reply | undefined;
  /** Of `ERR_REFUSED`: why, in the daemon's words. */
  readonly reason: string | undefined;
  /** Of `ERR_REFUSED`: the number of the error, 1 to 6 in Circus; 2 is an unknown command. */
  readonly errno: number | undefined;
  /** How long was waited, in ms; undefined when there was nothing to wait for. */
  readonly waited: number | undefined;

  constructor(code: ClientErrorCode, message: string, { reply, waited, ...options }: ClientErrorFacts = {}) {
    super(message, options);
    this.code = code;
    this.reply = reply;
    this.reason = typeof reply?.['reason'] === 'string' ? reply['reason'] : undefined;
    this.errno = typeof reply?.['errno'] === 'number' ? reply['errno'] : undefined;
    this.waited = waited;
  }
}

/** True for a client's error, if given with this code. */
export const isClientError = (error: unknown, code?: ClientErrorCode): error is ClientError =>
  error instanceof ClientError && (code === undefined || error.code === code);
