/** Requests that change something, as jobs: what each is at, how far it is, who asked. The last ones are kept. */
import { reasonOf, type Operation, type OperationKind } from '#core';
import type { Fields, Role } from './command.js';
import { RequestError } from './protocol.js';

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** How many jobs that are over are kept. */
const past = 200;
/** More than this at a time and new requests are refused: whoever may operate must not stall the daemon with them. */
const mostOpen = 2000;
/** Names and reasons are cut: clients choose them. A reason may have the last words of a process in it. */
const longest = { name: 200, reason: 2500 };
const cut = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}...` : text);

/** What can be ended before its time: a process that was told to end is not kept from it. */
const endable = new Set<OperationKind>(['start', 'restart', 'reload', 'replace', 'resize']);
/** The kernel's own reload brings back what an aborted one has changed: without it two versions would run on. */
const isEndable = ({ kind, by }: Operation): boolean => endable.has(kind) && !(kind === 'reload' && by === 'kernel');

const deeds: Readonly<Record<OperationKind, string>> = {
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  reload: 'replaced',
  replace: 'replaced',
  resize: 'resized',
  remove: 'removed',
};

/** The part of a command that its job knows. */
interface Asked {
  readonly name: string;
  readonly role: Role;
}

/** One request, from its being asked for to its end. */
export class Job {
  readonly id: number;
  /** The command's name; for what nobody asked over the wire, the kind of its first operation. */
  readonly command: string;
  /** The role that the command needs. */
  readonly role: Role;
  /** Who asked, without the job's number. */
  readonly asker: string;
  /** The watcher or pattern that was asked for, as it was written. */
  readonly named: string | undefined;
  /** The watchers that were asked for, by name; where only the command knows them, as it was written. */
  readonly meant: readonly string[];
  readonly asked = Date.now();
  ended: number | undefined;
  reason: string | undefined;
  #over: 'done' | 'failed' | 'cancelled' | undefined;
  readonly #watchers = new Set<string>();
  readonly #open = new Set<Operation>();
  /** What operations that are over add to the progress, in processes. */
  readonly #past = { done: 0, total: 0 };
  #deed: string | undefined;
  #end!: () => void;
  /** Where set, what is done for it is remembered in it. */
  operations: Set<Operation> | undefined;
  /** Resolves when it is over, whatever the outcome. */
  readonly over = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(id: number, { name, role }: Asked, asker: string, named?: string, meant?: readonly string[]) {
    this.id = id;
    this.command = name;
    this.role = role;
    this.asker = asker;
    this.named = named === undefined ? undefined : cut(named, longest.name);
    this.meant = meant ?? (this.named === undefined ? [] : [this.named]);
  }

  /** The name by which its operations know who asked: no other job has it. */
  get by(): string {
    return `${this.asker} (job ${this.id})`;
  }

  get state(): JobState {
    if (this.#over) return this.#over;
    const waits = this.#open.size > 0 && [...this.#open].every(({ state }) => state === 'queued');
    return waits ? 'queued' : 'running';
  }

  /** The watchers that it has done something to, by name; before that, what was asked for. */
  get watchers(): readonly string[] {
    return this.#watchers.size === 0 ? this.meant : [...this.#watchers];
  }

  /** True while an operation of it waits or runs. */
  get busy(): boolean {
    return this.#open.size > 0;
  }

  /** Hears of one of its operations. */
  follow(operation: Operation): void {
    const { watcher, kind, progress, settled } = operation;
    this.#watchers.add(watcher);
    this.operations?.add(operation);
    this.#deed ??= deeds[kind];
    if (settled && this.#open.delete(operation)) {
      this.#past.done += progress.done;
      this.#past.total += progress.total;
    } else if (!settled) {
      this.#open.add(operation);
      // A walk over several watchers comes to the next one after it was cancelled.
      if (this.#over === 'cancelled' && endable.has(kind)) operation.cancel(this.reason ?? this.by);
    }
  }

  /** Ends it; the first end counts. */
  finish(state: 'done' | 'failed' | 'cancelled', reason?: string): void {
    if (this.#over) return;
    this.#over = state;
    this.reason = reason === undefined ? undefined : cut(reason, longest.reason);
    this.ended = Date.now();
    this.#end();
  }

  /** Ends it before its time, with all that it is doing; what is done already stays. @throws RequestError */
  cancel(by: string): void {
    if (this.#over) throw new RequestError(5, `job ${this.id} is over: it is ${this.#over}`);
    const open = [...this.#open].filter(isEndable);
    if (open.length === 0)
      throw new RequestError(5, `job ${this.id} can't be cancelled: nothing of it that can be ended is under way`);
    this.finish('cancelled', `cancelled by ${by}`);
    for (const operation of open) operation.cancel(by);
  }

  /** The fields of a reply; times are seconds since 1970, progress counts processes. */
  describe(): Fields {
    const open = [...this.#open];
    const done = open.reduce((sum, { progress }) => sum + progress.done, this.#past.done);
    const total = open.reduce((sum, { progress }) => sum + progress.total, this.#past.total);
    const steps = open.flatMap(({ progress }) => progress.step ?? []);
    return {
      id: this.id,
      command: this.command,
      watchers: this.watchers,
      state: this.state,
      progress: {
        done,
        total,
        ...(total > 0 && { text: `${done} of ${total} ${this.#deed}` }),
        ...(steps.length > 0 && { step: steps.join('; ') }),
      },
      by: this.asker,
      asked: this.asked / 1000,
      ...(this.ended === undefined ? {} : { ended: this.ended / 1000 }),
      ...(this.reason === undefined ? {} : { reason: this.reason }),
    };
  }
}

/** What is told of a watcher that was started and is not up; undefined when it is. */
const troubleIn = ({ state, reason }: Fields): string | undefined =>
  typeof state === 'string' && typeof reason === 'string' ? `it is ${state}: ${reason}` : undefined;

/** All jobs: those under way, and the last ones that are over. */
export class Jobs {
  readonly #jobs = new Map<number, Job>();
  readonly #byAsker = new Map<string, Job>();
  /** Those that are over and kept, the oldest first. */
  readonly #over: Job[] = [];
  /** How many are under way, by who asked. */
  readonly #openOf = new Map<string, number>();
  #last = 0;

  /** From the newest to the oldest. */
  get all(): readonly Job[] {
    return [...this.#jobs.values()].reverse();
  }

  /** Begins the job of a request; it ends with `outcome` of the work, or `finish`. */
  begin(command: Asked, asker: string, named?: string, meant?: readonly string[]): Job {
    const own = this.#openOf.get(asker) ?? 0;
    // Of each by itself: else whoever may do little could keep everybody else from doing anything.
    if (own >= mostOpen)
      throw new RequestError(5, `${mostOpen} jobs are under way already: wait until some of them are over`);
    this.#openOf.set(asker, own + 1);
    const job = new Job(++this.#last, command, asker, named, meant);
    this.#jobs.set(job.id, job);
    this.#byAsker.set(job.by, job);
    void job.over.then(() => this.#forget(job));
    return job;
  }

  /** Ends a job with its work. */
  settle(job: Job, work: Promise<Fields>): void {
    work.then(
      (fields) => job.finish('done', troubleIn(fields)),
      (error: unknown) => job.finish('failed', reasonOf(error)),
    );
  }

  /** Hears of an operation; those that no request asked for, as by a signal or a plugin, are a job as long as they last. */
  follow(operation: Operation): void {
    const { by, kind, settled, state, reason } = operation;
    let job = this.#byAsker.get(by);
    if (!job && (settled || (this.#openOf.get(by) ?? 0) >= mostOpen)) return;
    if (!job) {
      job = this.begin({ name: kind, role: 'operate' }, by);
      this.#byAsker.set(by, job);
    }
    job.follow(operation);
    if (job.by === by) return;
    if (state === 'failed') job.finish('failed', reason);
    if (job.busy) return;
    this.#byAsker.delete(by);
    this.#byAsker.delete(job.by);
    this.#jobs.delete(job.id);
    job.finish(state === 'cancelled' ? 'cancelled' : 'done', reason);
  }

  /** Who has something under way that may be about a watcher, the newest first; undefined when nobody has. */
  askerOf(watcher: string): string | undefined {
    const name = watcher.toLowerCase();
    const isAbout = ({ named, watchers }: Job) =>
      named === undefined || watchers.some((one) => one.toLowerCase() === name);
    return this.all.find((job) => job.ended === undefined && isAbout(job))?.by;
  }

  /** @throws RequestError */
  get(id: number): Job {
    const job = this.#jobs.get(id);
    if (job) return job;
    const why = id > 0 && id <= this.#last ? `only the last ${past} that are over are kept` : 'there was none yet';
    throw new RequestError(3, `job ${id} not found: ${why}`);
  }

  #forget(job: Job): void {
    const left = (this.#openOf.get(job.asker) ?? 0) - 1;
    if (left > 0) this.#openOf.set(job.asker, left);
    else this.#openOf.delete(job.asker);
    if (!this.#jobs.has(job.id)) return;
    this.#over.push(job);
    if (this.#over.length <= past) return;
    const oldest = this.#over.shift()!;
    this.#jobs.delete(oldest.id);
    this.#byAsker.delete(oldest.by);
  }
}
