/** How circusctl ends when something went wrong. */

/** The exit codes, Circus's own. */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

/** A reply of the daemon. */
export type Reply = Readonly<Record<string, unknown>>;

/** What ends a command: the message goes to the standard error as it is, `reply` is what `--json` prints. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: number;
  readonly reply: Reply;
  /** What helps a person further; programs get Circus's words only. */
  readonly advice: string | undefined;

  constructor(code: number, message: string, reply?: Reply, advice?: string) {
    super(message);
    this.advice = advice;
    this.code = code;
    // As the daemon's own errors are; it never uses this number.
    const reason = message.replace(/^error: /, '');
    this.reply = reply ?? { status: 'error', reason, tb: null, time: Date.now() / 1000, errno: 0, id: null };
  }
}

/** A command line that can't be understood. */
export const usageFailure = (what: string): Failure => new Failure(exitCodes.usage, `error: ${what}`);
