/** One command kept alive N times: its state, and what is being done to it. */
import { abortable } from './clock.js';
import { CircusError, isError, reasonOf } from './errors.js';
import { usesSocket } from './launch.js';
import { Keeper } from './keeper.js';
import { Operation, OperationQueue, reportOf, type OperationKind, type Report } from './operation.js';
import type { Exit, PastProcess, Process } from './process.js';
import type { WatcherSpec } from './spec.js';
import { prepareStop } from './stop.js';
import { meansFor, type Means } from './tree.js';
import { next, watcherTable, type WatcherEvent, type WatcherState } from './states.js';
import type { WatcherContext } from './watcher-context.js';

const historySize = 20;
/** What starts a watcher that rests. */
const bringing = new Set<OperationKind>(['start', 'restart', 'reload']);

/** A watcher. Its state, what its operator wants, and what was asked of a process are three separate facts. */
export class Watcher {
  readonly name: string;
  spec: WatcherSpec;
  state: WatcherState = 'stopped';
  wanted: 'up' | 'down' = 'down';
  /** By whom, and why, it was taken out of service, as words that go on after "disabled"; undefined when it is not. */
  disabled: string | undefined;
  /** How often it was told to stop: who has waited for its turn to start it looks whether that was meant later. */
  stops = 0;
  /** Why it is in its state, or why a process of it is tried again, as one sentence; empty when there is nothing to say. */
  reason = '';
  /** True when two of it must not run at a time; where that was set while it ran, from its next start on. */
  alone: boolean;
  /** Wall time since when it is in its state. */
  since: number;
  /** The last ends, oldest first. */
  readonly history: PastProcess[] = [];
  readonly queue = new OperationQueue();
  readonly keeper: Keeper;
  readonly #context: WatcherContext;
  /** True while it is brought up: what comes and goes meanwhile does not make a state yet. */
  #rising = false;

  constructor(spec: WatcherSpec, context: WatcherContext) {
    this.name = spec.name;
    this.spec = spec;
    this.alone = spec.singleton;
    this.#context = context;
    this.since = context.clock.now();
    this.keeper = new Keeper(this, context);
  }

  /** The living processes, oldest first, those being stopped included. */
  get processes(): readonly Process[] {
    return this.keeper.slots.processes;
  }

  /** By what a stop ends the trees of its processes. */
  get means(): Means {
    return meansFor(this.#context.board, { watcher: this.name });
  }

  /** True when nothing of it runs, is timed, or is on its way. */
  get resting(): boolean {
    return !!this.disabled || (this.state !== 'retrying' && next(watcherTable, this.state, 'start') === 'starting');
  }

  /** True while missing processes are to be spawned. */
  get filling(): boolean {
    return this.wanted === 'up' && (this.state === 'starting' || this.state === 'active' || this.state === 'retrying');
  }

  /** Asks for a start; of a running watcher, for what is missing. */
  start(by = 'operator'): Operation {
    return this.enqueue('start', by, (operation) => this.#start(operation));
  }

  /** Asks for a stop, which cancels whatever else is being done. */
  stop(by = 'operator'): Operation {
    // At once, not when its turn comes: nothing is started any more.
    this.wanted = 'down';
    this.stops++;
    const { operations } = this.queue;
    const planned = operations.find(({ kind, settled }) => kind === 'stop' && !settled);
    // Whoever asked for that one, such as the end of the daemon, counts on it.
    for (const operation of operations) if (operation !== planned) operation.cancel(`stop by ${by}`);
    if (planned) return planned;
    return this.enqueue('stop', by, (operation) => this.#stop(operation));
  }

  /** Takes it out of service: it is stopped, and every start refused, until it is enabled; `reason` goes on after "disabled". */
  async disable(reason: string, by = 'operator'): Promise<void> {
    this.disabled = reason;
    // Also for who has waited for its turn to start it, and finds it enabled again.
    this.wanted = 'down';
    this.stops++;
    // What rests has nothing to stop; that one waits for nobody.
    if (this.state !== 'stopped' || this.queue.operations.length > 0) await this.stop(by).result.catch(() => undefined);
    if (this.disabled !== undefined && !this.#become('disable', this.disabled)) this.reason = this.disabled;
  }

  /** Lets it be started again, which this does not do. */
  enable(by = 'operator'): void {
    this.disabled = undefined;
    this.#become('enable', `enabled by ${by}`);
  }

  /** Asks for a stop and a start. */
  restart(by = 'operator'): Operation {
    return this.enqueue('restart', by, (operation) => this.doRestart(operation));
  }

  /**
   * Asks for work in the watcher's line; the report of the operation tells what it did to the processes.
   * @throws ERR_ARBITER_STOPPING, and ERR_WATCHER_DISABLED where it would start it
   */
  enqueue(kind: OperationKind, by: string, work: (operation: Operation) => Promise<void>): Operation {
    this.#refuseIfClosing(kind);
    if (this.disabled !== undefined && bringing.has(kind))
      throw new CircusError('ERR_WATCHER_DISABLED', [this.name, this.disabled, kind]);
    if (kind === 'reload' || kind === 'restart')
      for (const one of this.queue.operations) if (one.kind === 'replace') one.cancel(`${kind} by ${by}`);
    const operation = new Operation(kind, this.name, by, this.#context.announce);
    return this.queue.add(operation, () => this.#reporting(() => work(operation)));
  }

  /**
   * Changes the number of processes, at once and whatever else is being done.
   * @throws ERR_WATCHER_SINGLETON, ERR_ARBITER_STOPPING
   */
  resize(numprocesses: number, by = 'operator'): Operation {
    this.#refuseIfClosing('resize');
    const goal = Math.max(0, Math.trunc(numprocesses));
    if (this.spec.singleton && goal > 1) throw new CircusError('ERR_WATCHER_SINGLETON', [this.name]);
    this.adopt({ ...this.spec, numprocesses: goal });
    const operation = new Operation('resize', this.name, by, this.#context.announce);
    void operation.run(() => this.#reporting(async () => this.filling && (await this.keeper.adjust())));
    return operation;
  }

  /**
   * Asks for another process in place of this one, which is stopped when that is ready; of a singleton, before. An
   * operator's reload or restart cancels it. `why` is told as the reason of the end. @throws ERR_ARBITER_STOPPING
   */
  replace(process: Process, why: string, by = 'operator'): Operation {
    return this.enqueue('replace', by, async ({ signal }) => {
      if (!process.alive || process.stopping || !this.filling) return;
      await this.keeper[this.alone ? 'replaceStoppedFirst' : 'replace'](process, this.spec, signal, why);
    });
  }

  /** Stops these processes in the watcher's way or that of the request; they are replaced. `grace` in ms. */
  async kill(
    processes: readonly Process[],
    request: { readonly signal?: number; readonly grace?: number; readonly by?: string } = {},
  ): Promise<void> {
    await Promise.all(processes.map((process) => this.keeper.end(process, { ...request, reason: 'killed' })));
  }

  /** Puts another spec in place for processes to come, after plugins have seen it. @throws ERR_HOOK_REFUSED */
  update(spec: WatcherSpec): void {
    this.adopt(this.#context.board.change('watcherSpec', spec));
  }

  /** Puts a spec in place that plugins have seen, and tells which keys changed. */
  adopt(spec: WatcherSpec): void {
    const before = this.spec;
    const keys = (Object.keys(spec) as (keyof WatcherSpec)[]).filter((key) => spec[key] !== before[key]);
    if (keys.length === 0) return;
    this.spec = Object.freeze(spec);
    this.#context.board.tell('watcherUpdated', this, keys);
  }

  /** Tells a watcher that waits that what it waited for may be there. */
  wake(): void {
    if (this.wanted === 'up' && this.state !== 'gave-up' && this.state !== 'completed' && !this.#context.closing())
      this.start('kernel');
  }

  /** True, with the reason said, while nothing of it may be spawned: a plugin is missing, or holds it back. */
  held(): boolean {
    const missing = this.#context.missing(this.spec.needs);
    const lack = `it has keys of plugin "${missing}", which is not loaded: without it, it is not started`;
    const reasons = this.#context.board.change('hold', missing === undefined ? [] : [lack], this);
    if (reasons.length === 0) return false;
    this.reason = reasons.join('; ');
    if (this.processes.length === 0) this.#become('wait', this.reason);
    return true;
  }

  /** Lets go of its processes: they run on, and nothing is done about them any more. */
  abandon(): void {
    this.queue.clear('remove');
    this.wanted = 'down';
    void this.keeper.shut();
  }

  /** Stops and starts, as part of another operation. */
  async doRestart(operation: Operation): Promise<void> {
    await this.#stop(operation);
    operation.signal.throwIfAborted();
    await this.#bringUp(operation);
  }

  /** Keeps an end in the history. */
  remember({ pid, wid }: Process, exit: Exit): void {
    this.history.push({ pid, wid, exit });
    if (this.history.length > historySize) this.history.shift();
  }

  /** Brings the state in line with what runs: called whenever a process came, went or is not to come. */
  settle(): void {
    this.#keepSeats();
    if (!this.filling || this.#rising) return;
    const { slots } = this.keeper;
    if (slots.serving.length > 0 || this.spec.numprocesses === 0) return void this.#become('filled');
    if (this.processes.length > 0) return;
    if (slots.retries.length > 0) return void this.#become('emptied');
    // What is being decided or spawned just now is soon known.
    if (slots.pending) return;
    const { outcome } = slots;
    if (!outcome || !this.#become(outcome)) return;
    void this.#context.board.ask('afterStop', this, new AbortController().signal);
  }

  /** Closes sockets of places in which nothing is to run any more. */
  #keepSeats(): void {
    const seats = this.keeper.slots.seatsFor(this.spec.numprocesses);
    // What is being done may be a change of the spec, which some processes have had already.
    const isChanging = this.queue.operations.some(({ settled }) => !settled);
    for (const [name, socket] of this.#context.sockets)
      socket.keepSeats(this.name, isChanging || usesSocket(this.spec, name) ? seats : new Set());
  }

  #refuseIfClosing(kind: OperationKind): void {
    if (kind !== 'stop' && this.#context.closing())
      throw new CircusError('ERR_ARBITER_STOPPING', [`${kind} of "${this.name}"`]);
  }

  /** What an action changed, told by the pids before and after it. */
  async #reporting(action: () => Promise<unknown>): Promise<Report> {
    const before = this.processes.map(({ pid }) => pid);
    await action();
    return reportOf(
      before,
      this.processes.flatMap(({ pid, stopping }) => (stopping ? [] : pid)),
    );
  }

  async #start(operation: Operation): Promise<void> {
    // A restart that was cancelled may still be stopping it.
    if (this.state === 'stopping') await this.#stop(operation);
    operation.signal.throwIfAborted();
    if (this.resting) return this.#bringUp(operation);
    // It is up: an operator's start ends all pauses and verdicts, and fills what is missing.
    this.keeper.open();
    await this.keeper.fill();
  }

  async #bringUp(operation: Operation): Promise<void> {
    this.wanted = 'up';
    this.alone = this.spec.singleton;
    // The kernel's own start goes on where it was held back; any other begins anew.
    this.keeper.open(operation.by === 'kernel');
    if (this.held()) return;
    this.#become('start');
    this.#rising = true;
    try {
      await this.#rise(operation.signal);
      if (this.spec.numprocesses === 0 || this.processes.length > 0) this.#become('started');
    } catch (error) {
      await this.#takeBack(operation, error);
      throw error;
    } finally {
      this.#rising = false;
      this.settle();
    }
  }

  /** After a start that failed or was cancelled: what it has started stays, unless a plugin refused it. */
  async #takeBack(operation: Operation, error: unknown): Promise<void> {
    // The stop that cancelled it does the rest.
    if (this.wanted === 'down') return;
    // Where nothing was started, nothing is stopped.
    const refused = isError(error, 'ERR_HOOK_REFUSED') && this.processes.length > 0;
    if (refused) await this.#stop(operation);
    else if (this.processes.length > 0) this.#become('started');
    else {
      // No stop, and nothing that the next operation would have to wait for.
      this.wanted = 'down';
      void this.keeper.shut();
      this.#become('stopped');
    }
    this.reason = reasonOf(error);
  }

  async #rise(signal: AbortSignal): Promise<void> {
    const { board } = this.#context;
    await abortable(board.require('beforeStart', this, signal), signal);
    await abortable(this.keeper.fill(), signal);
    await abortable(this.keeper.settled(), signal);
    if (this.spec.numprocesses === 0 || this.processes.length > 0)
      await abortable(board.require('afterStart', this, signal), signal);
  }

  async #stop(operation: Operation): Promise<void> {
    const { board } = this.#context;
    this.wanted = 'down';
    const begins = this.#become('stop', `stopped by ${operation.by}`);
    if (this.state !== 'stopping') {
      this.#become('stopped', `stopped by ${operation.by}`);
      return this.keeper.clear();
    }
    operation.advance(0, this.processes.length);
    // Else it joins the stop of a restart that was cancelled.
    if (begins) await prepareStop(this, this.#context, operation.signal);
    const shut = this.keeper.shut();
    const { processes } = this;
    let ended = 0;
    const end = async (process: Process) => {
      await this.keeper.end(process, { reason: 'stopped' });
      operation.advance(++ended, processes.length);
    };
    await Promise.all([...processes.map(end), this.keeper.clear()]);
    await shut;
    // A spawn that was under way when the stop came, or an end.
    await Promise.all([...this.processes.map(end), this.keeper.clear()]);
    if (this.#become('stopped', `stopped by ${operation.by}`)) await board.ask('afterStop', this, operation.signal);
  }

  /** Lets an event change the state, and tells when it did; false: it means nothing in this state. */
  #become(event: WatcherEvent, reason?: string): boolean {
    const before = this.state;
    const after = next(watcherTable, before, event);
    if (after === undefined || after === before) return false;
    this.state = after;
    this.since = this.#context.clock.now();
    if (reason !== undefined || after === 'active' || after === 'starting') this.reason = reason ?? '';
    this.#context.board.tell('watcherState', this, before, after);
    return true;
  }
}
