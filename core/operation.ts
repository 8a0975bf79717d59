/** One thing being done to a watcher: who asked for it, how far it is, how to cancel it, how it ended. */
import { abortable, breathe } from './clock.js';
import { CircusError, reasonOf } from './errors.js';

export type OperationKind = 'start' | 'stop' | 'restart' | 'reload' | 'replace' | 'resize' | 'remove';
export type OperationState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** How far an operation is, in processes. */
export interface Progress {
  readonly done: number;
  readonly total: number;
  /** What it is doing just now, or waits for, as a phrase. */
  readonly step?: string | undefined;
}

/** The pids that an operation ended, started and left alone, ascending. */
export interface Report {
  readonly started: readonly number[];
  readonly stopped: readonly number[];
  readonly kept: readonly number[];
}

const ascending = (pids: readonly number[]) => pids.toSorted((a, b) => a - b);

/** What was done to processes, told by the pids that ran before it and those that go on after it. */
export function reportOf(before: readonly number[], after: readonly number[]): Report {
  return {
    started: ascending(after.filter((pid) => !before.includes(pid))),
    stopped: ascending(before.filter((pid) => !after.includes(pid))),
    kept: ascending(after.filter((pid) => before.includes(pid))),
  };
}

let last = 0;

/** An operation, from its being asked for to its result; it runs once, when its turn comes. */
export class Operation {
  readonly id = ++last;
  readonly kind: OperationKind;
  /** The watcher's name. */
  readonly watcher: string;
  /** Who asked: `operator`, `signal`, `plugin NAME`, or an endpoint's name. */
  readonly by: string;
  /** Settles with the operation; never unhandled. */
  readonly result: Promise<Report>;
  state: OperationState = 'queued';
  progress: Progress = { done: 0, total: 0 };
  /** Why it failed or was cancelled. */
  reason: string | undefined;
  readonly #controller = new AbortController();
  readonly #changed: (operation: Operation) => void;
  readonly #settle: { resolve(report: Report): void; reject(error: unknown): void };

  constructor(kind: OperationKind, watcher: string, by: string, changed: (operation: Operation) => void) {
    this.kind = kind;
    this.watcher = watcher;
    this.by = by;
    this.#changed = changed;
    let settle!: { resolve(report: Report): void; reject(error: unknown): void };
    this.result = new Promise((resolve, reject) => (settle = { resolve, reject }));
    this.#settle = settle;
    // Whoever asked may not look: a failure is kept in `state` and `reason` all the same.
    this.result.catch(() => undefined);
    changed(this);
  }

  /** Aborted when the operation is cancelled; its reason is ERR_OPERATION_CANCELLED. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get settled(): boolean {
    return this.state !== 'queued' && this.state !== 'running';
  }

  /** Does the work, unless it was cancelled before its turn; resolves when it has settled, whatever the outcome. */
  async run(work: (operation: Operation) => Promise<Report>): Promise<void> {
    if (this.settled) return;
    this.#become('running');
    // Whoever was told may have cancelled it.
    if (this.settled) return;
    try {
      // A cancelled one is not waited for: it has one turn of the loop to notice, before the next in line begins.
      const report = await abortable(work(this), this.signal);
      if (this.settled) return await breathe();
      this.#become('done');
      this.#settle.resolve(report);
    } catch (error) {
      if (this.settled) return await breathe();
      this.reason = reasonOf(error);
      this.#become('failed');
      this.#settle.reject(error);
    }
  }

  /** Tells how far it is. */
  advance(done: number, total: number, step?: string): void {
    this.progress = { done, total, ...(step !== undefined && { step }) };
    if (!this.settled) this.#changed(this);
  }

  /** Ends it at once for whoever waits; what it was doing stops at its next step. */
  cancel(by: string): void {
    if (this.settled) return;
    const error = new CircusError('ERR_OPERATION_CANCELLED', [`${this.kind} of "${this.watcher}"`, by]);
    this.reason = error.message;
    this.#become('cancelled');
    this.#controller.abort(error);
    this.#settle.reject(error);
  }

  #become(state: OperationState): void {
    this.state = state;
    this.#changed(this);
  }
}

/** The operations of one watcher: one at a time, in the order in which they were asked for. */
export class OperationQueue {
  readonly #waiting: { readonly operation: Operation; readonly work: (operation: Operation) => Promise<Report> }[] = [];
  #running: Operation | undefined;

  /** What runs, then what waits. */
  get operations(): readonly Operation[] {
    return [...(this.#running ? [this.#running] : []), ...this.#waiting.map(({ operation }) => operation)];
  }

  /** Runs the work when its turn comes. */
  add(operation: Operation, work: (operation: Operation) => Promise<Report>): Operation {
    this.#waiting.push({ operation, work });
    void this.#next();
    return operation;
  }

  /** Cancels all that runs or waits: for a stop, which never waits in line. */
  clear(by: string): void {
    for (const operation of this.operations) operation.cancel(by);
  }

  async #next(): Promise<void> {
    if (this.#running) return;
    for (let turn = this.#waiting.shift(); turn; turn = this.#waiting.shift()) {
      this.#running = turn.operation;
      await turn.operation.run(turn.work);
    }
    this.#running = undefined;
  }
}
