/** What a daemon tells about the past and the present of watchers. */

/** How a process ended. */
export interface Exit {
  readonly time: number;
  readonly pid: number;
  readonly wid: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** In seconds. */
  readonly duration: number;
  readonly reason: string;
  readonly by: string | null;
}

/** What is run, secrets masked: the programs in front of the command, and all of it as one line for a shell. */
interface RunWords {
  readonly chain: readonly (readonly string[])[];
  readonly command: string;
}

/** Why a watcher is as it is; `text` is the same as a few sentences, and there is more. */
export interface Explanation {
  readonly name: string;
  readonly state: string;
  readonly since: number;
  readonly reason: string;
  readonly numprocesses: number;
  readonly running: number;
  readonly ready: number;
  readonly last_exit: Exit | null;
  readonly processes: readonly ({ readonly pid: number; readonly wid: number; readonly state: string } & RunWords)[];
  /** Of a watcher of which nothing runs. */
  readonly would_run: ({ readonly wid: number } & (RunWords | { readonly error: string })) | null;
  readonly text: string;
}

/** Events that were published, from a number on. */
export interface Replay {
  /** Which run of the daemon. */
  readonly boot: string;
  readonly events: readonly (Readonly<Record<string, unknown>> & { readonly seq: number; readonly topic: string })[];
  /** The `since` to ask with next. */
  readonly next: number;
  readonly last: number;
  /** How many after `since` are not kept any more; null when `since` is of another run. */
  readonly missed: number | null;
  readonly dropped: number;
}
