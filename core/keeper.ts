/** Keeps the slots of one watcher filled: spawns, learns of ends, asks for verdicts, retries, replaces. */
import { abortable, breathe, manyWaiters, sleep } from './clock.js';
import { CircusError, reasonOf } from './errors.js';
import { Refusal } from './guard.js';
import type { Place } from './hooks.js';
import { PlainSpecs, withListenPid, withoutSecrets } from './launch.js';
import { afterEnd, afterFailure, pauseBefore } from './pace.js';
import { Process, type Exit } from './process.js';
import { awaitReady, describeExit } from './readiness.js';
import { retryAfter, Slots, type Slot } from './slots.js';
import type { ProcessSpec, WatcherSpec } from './spec.js';
import { drain, stopRequest, type StopRequest } from './stop.js';
import type { Watcher } from './watcher.js';
import type { WatcherContext } from './watcher-context.js';

/** Resolves when the one that was to be replaced may be asked to leave for this one. */
type Agreed = (successor: Process) => Promise<unknown>;

/** Longest stretch of spawning (ms) before other events of the loop get their turn. */
const stretch = 10;

/** The slots of a watcher and everything that runs in them. */
export class Keeper {
  readonly slots = new Slots();
  readonly #watcher: Watcher;
  readonly #context: WatcherContext;
  readonly #readiness = new WeakMap<Process, Promise<void>>();
  readonly #reaping = new WeakMap<Process, Promise<void>>();
  readonly #specs = new PlainSpecs();
  /** Aborted when the watcher is stopped: ends pauses and questions of the time when it was up. */
  #up = manyWaiters();
  #filling: Promise<void> | undefined;
  /** The stops under way: a tree may outlive its root, and with it its slot. */
  readonly #ending = new Set<Promise<Exit>>();
  /** By place, the last process that ended by itself and left something running; those before it have the same mark. */
  readonly #left = new Map<number, Process>();

  readonly #output = (chunk: Buffer, fd: number, process: Process) =>
    this.#context.board.tell('output', chunk, fd, process);

  constructor(watcher: Watcher, context: WatcherContext) {
    this.#watcher = watcher;
    this.#context = context;
  }

  /** Begins anew, with no pause or verdict of before; or goes on after it was held back. */
  open(again = false): void {
    if (this.#up.signal.aborted) this.#up = manyWaiters();
    if (again) this.slots.resume();
    else this.slots.reset();
  }

  /** Ends all pauses; resolves when no spawn is under way any more. */
  async shut(): Promise<void> {
    this.#up.abort(new CircusError('ERR_OPERATION_CANCELLED', [`the spawning of "${this.#watcher.name}"`, 'stop']));
    this.slots.reset();
    await this.#filling;
    await Promise.allSettled(this.#ending);
  }

  /** Spawns what is missing, one after the other; calls that come meanwhile share the run. */
  fill(): Promise<void> {
    return (this.#filling ??= this.#spawnMissing());
  }

  /** Brings the number of processes in line with the spec: spawns what is missing, stops the oldest beyond it. */
  async adjust(): Promise<void> {
    // A timed attempt needs no signal to go away.
    this.slots.tidy(this.#watcher.spec.numprocesses);
    await Promise.all([this.#trim(), this.fill()]);
    // A spawn that was under way when fewer were asked for.
    await this.#trim();
  }

  /** Resolves when each process that runs now is ready or has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.slots.processes.flatMap((process) => this.#readiness.get(process) ?? []));
  }

  /** Stops one process with all its tree; resolves when its end has been told. */
  async end(process: Process, request: Pick<StopRequest, 'reason'> & Partial<StopRequest>): Promise<void> {
    const ending = process.stop(stopRequest(this.#watcher.spec, request));
    this.#ending.add(ending);
    await ending.finally(() => this.#ending.delete(ending));
    await this.#reaping.get(process);
  }

  /** Ends what processes that ended by themselves have left behind. */
  async clear(): Promise<void> {
    const left = [...this.#left.values()];
    this.#left.clear();
    await Promise.all(left.map((process) => this.end(process, { reason: 'stopped' })));
  }

  /**
   * Starts one more process from `spec`, waits until it is ready and `agreed` to, then has the old one leave. If the new
   * one fails or the signal is aborted, it is removed, and the old one was never asked for anything.
   * @throws ERR_PROCESS_UNREADY, what a spawn throws, and what `agreed` rejects with
   */
  async replace(old: Process, spec: WatcherSpec, signal: AbortSignal, why?: string, agreed?: Agreed): Promise<Process> {
    const slot = this.slots.extra();
    slot.replaces = old;
    try {
      const successor = await this.#spawn(slot, spec, true);
      try {
        await abortable(this.#readiness.get(successor)!, signal);
        await agreed?.(successor);
      } catch (error) {
        // In the place of one that ended meanwhile, it is what serves.
        if (slot.extra || successor.state === 'unready') await this.end(successor, { reason: 'refused' });
        throw error;
      }
      slot.extra = false;
      const left = this.slots.of(old);
      if (left) left.extra = true;
      await drain(old, this.#watcher.spec, this.#up.signal, this.#context);
      await this.end(old, { reason: 'replaced', why });
      return successor;
    } finally {
      slot.extra = false;
      slot.replaces = undefined;
      this.#refill();
    }
  }

  /** Stops a process before its successor starts: for what can't run twice. */
  async replaceStoppedFirst(old: Process, spec: WatcherSpec, signal: AbortSignal, why?: string): Promise<Process> {
    const slot = this.slots.of(old);
    if (slot) slot.busy++;
    await drain(old, this.#watcher.spec, this.#up.signal, this.#context);
    await this.end(old, { reason: 'stopped', why });
    try {
      signal.throwIfAborted();
      const successor = await this.#spawn(slot ?? this.slots.extra(), spec, false);
      await abortable(this.#readiness.get(successor)!, signal);
      return successor;
    } finally {
      if (slot) slot.busy--;
      this.#refill();
    }
  }

  /** What is spawned in this place, as plugins have it; whoever only looks has no slot for it. @throws what a spawn throws */
  async specFor(at: Place, slot?: Slot): Promise<ProcessSpec> {
    const plain = this.#specs.of(at.spec, at.wid, () => (slot ? this.slots.sit(slot) : 0), this.#context.sockets);
    const full = await this.#context.board.ask('spawnSpec', plain, this.#watcher, at);
    return withListenPid(full ?? plain, at.spec);
  }

  #refill(): void {
    if (this.#watcher.filling) void this.adjust();
    else this.#watcher.settle();
  }

  async #trim(): Promise<void> {
    const { serving, processes } = this.slots;
    const surplus = serving.slice(0, Math.max(0, serving.length - this.#watcher.spec.numprocesses));
    // Also those that another call is stopping: whoever asked waits for all.
    const leaving = processes.filter(({ stopping }) => stopping?.reason === 'resized');
    await Promise.all([...surplus, ...leaving].map((process) => this.end(process, { reason: 'resized' })));
  }

  /** The slot for the next spawn; a singleton that is still being stopped is waited for. */
  #vacancy(): Slot | undefined {
    const { filling, spec } = this.#watcher;
    if (!filling || (spec.singleton && this.slots.processes.length > 0)) return undefined;
    const slot = this.slots.missing(spec.numprocesses);
    return slot && !this.#watcher.held() ? slot : undefined;
  }

  async #spawnMissing(): Promise<void> {
    const { clock } = this.#context;
    // From here on others share this run. It is over at the very moment at which it finds nothing missing: were it a
    // turn later, whoever called in between would wait for a run that does no more.
    await Promise.resolve();
    let rested = clock.monotonic();
    for (let slot = this.#vacancy(); slot; slot = this.#vacancy()) {
      const { spec } = this.#watcher;
      const begun = clock.monotonic();
      try {
        await this.#spawn(slot, spec, false);
      } catch (error) {
        this.#failed(slot, error);
      }
      const pause = spec.warmup_delay > 0 ? spec.warmup_delay * 1000 - (clock.monotonic() - begun) : 0;
      if (pause > 0) await sleep(clock, pause, this.#up.signal);
      if (clock.monotonic() - rested > stretch) {
        await breathe();
        rested = clock.monotonic();
      }
    }
    this.#filling = undefined;
    this.#watcher.settle();
  }

  /** One spawn, with every question that it raises. */
  async #spawn(slot: Slot, spec: WatcherSpec, replacement: boolean): Promise<Process> {
    const { board, clock, daemon, missing } = this.#context;
    const watcher = this.#watcher;
    const up = this.#up.signal;
    slot.busy++;
    // The floor under attempts counts them all, whatever they fail at.
    slot.startedAt = clock.monotonic();
    try {
      await abortable(board.steady(), up);
      await abortable(board.require('beforeSpawn', watcher, up), up);
      const full = await abortable(this.specFor({ wid: slot.wid, spec, preview: false }, slot), up);
      up.throwIfAborted();
      // A plugin that went away since it was asked may be the one that takes rights away from the process.
      const absent = missing(spec.needs);
      if (absent !== undefined) throw new CircusError('ERR_PLUGIN_UNKNOWN', [absent]);
      const mark = `${daemon}:${watcher.name}:${slot.wid}`;
      // No spread: V8 would give each of these a shape of its own, and a process keeps it.
      const own = { wid: slot.wid, watcher: watcher.name, mark, board, clock, output: this.#output };
      const process = Process.start(full, own);
      slot.process = process;
      const accepted = board.require('afterSpawn', process, watcher, up);
      this.#reaping.set(process, this.#reap(slot, process, accepted));
      try {
        await accepted;
      } catch (refusal) {
        await this.end(process, { reason: 'refused' });
        throw refusal;
      }
      board.tell('spawned', process, watcher);
      const wait = (spec.ready_after ?? (replacement ? 1 : 0)) * 1000;
      this.#readiness.set(process, awaitReady(process, watcher, spec, wait, { board, clock }));
      return process;
    } catch (error) {
      if (error instanceof Error) error.message = withoutSecrets(error.message, spec);
      throw error;
    } finally {
      slot.busy--;
    }
  }

  /** A spawn that failed: tried again with the pace of the floor, `max_retry` times. */
  #failed(slot: Slot, error: unknown): void {
    const { spec } = this.#watcher;
    if (this.#up.signal.aborted || this.#watcher.held()) return;
    const reason = reasonOf(error);
    slot.attempts = afterFailure(slot.attempts);
    const { cause } = error as Error;
    const objected = cause instanceof Refusal && cause.error === undefined;
    if (objected || (spec.max_retry >= 0 && slot.attempts.failed >= spec.max_retry)) {
      slot.done = 'gave-up';
      this.#watcher.reason = `gave up: ${reason}`;
      // The same command would fail in every slot: where nothing runs, one slot speaks for all.
      if (this.slots.serving.length === 0) this.slots.abandoned = true;
      return;
    }
    this.#again(slot, pauseBefore(slot.attempts, this.#context.clock.monotonic() - slot.startedAt), reason);
  }

  #again(slot: Slot, delay: number, reason: string): void {
    const { board, clock } = this.#context;
    this.#watcher.reason = reason;
    if (delay <= 0) return;
    retryAfter(delay, slot, reason, clock, () => this.#refill());
    board.tell('retrying', this.#watcher, slot.wid, delay, reason);
  }

  /** What follows its end, of which plugins hear only after what they hear of its beginning. */
  async #reap(slot: Slot, process: Process, accepted: Promise<void>): Promise<void> {
    const [exit] = await Promise.all([process.ended, accepted.catch(() => undefined)]);
    const watcher = this.#watcher;
    const { board } = this.#context;
    slot.process = undefined;
    if (!process.stopping && process.descendants().length > 0) this.#left.set(slot.wid, process);
    watcher.remember(process, exit);
    board.tell('reaped', exit, process, watcher);
    const successor = this.slots.successorOf(process);
    if (successor && exit.reason !== 'resized') successor.extra = false;
    if (slot.busy || slot.extra || successor || exit.reason === 'refused' || !watcher.filling) return watcher.settle();
    if (process.stopping) slot.attempts = { ...slot.attempts, failed: 0 };
    else await this.#judge(slot, process, exit);
    this.#refill();
  }

  /** What is to follow a process that ended by itself. */
  async #judge(slot: Slot, process: Process, exit: Exit): Promise<void> {
    const { board, clock } = this.#context;
    const watcher = this.#watcher;
    if (exit.failedLink !== undefined)
      return this.#failed(slot, new CircusError('ERR_PROCESS_CHAIN', [exit.failedLink, describeExit(exit)]));
    slot.attempts = afterEnd(slot.attempts, exit.lived);
    slot.busy++;
    const up = this.#up.signal;
    const verdict = await abortable(board.ask('respawn', process, exit, watcher), up).catch(() => undefined);
    slot.busy--;
    // Whoever stopped it meanwhile, and perhaps started it again, begins anew.
    if (up.aborted) return;
    const reason = `process ${process.pid} ${describeExit(exit)} after ${(exit.lived / 1000).toFixed(1)} s`;
    if (verdict instanceof Refusal) {
      slot.done = 'gave-up';
      watcher.reason = `gave up: ${reason}, as plugin "${verdict.plugin}" decided`;
    } else if (verdict === 'complete' || (verdict === undefined && !watcher.spec.respawn)) {
      slot.done = 'completed';
      watcher.reason = reason;
    } else {
      const floor = pauseBefore(slot.attempts, clock.monotonic() - slot.startedAt);
      this.#again(slot, typeof verdict === 'object' ? Math.max(verdict.retryIn, floor) : floor, reason);
    }
  }
}
