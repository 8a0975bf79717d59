/** Replacing the processes of a watcher batch by batch, without ever having fewer than wanted where that is possible. */
import { abortable, anyOf, manyWaiters, sleep, type Clock } from './clock.js';
import type { HookBoard } from './board.js';
import type { Operation, Report } from './operation.js';
import { send, type Process } from './process.js';
import { endOf } from './readiness.js';
import type { WatcherSpec } from './spec.js';
import type { Watcher } from './watcher.js';

/** How to reload. */
export interface ReloadRequest {
  /** false: stop all, then start all. */
  readonly graceful?: boolean;
  /** Stop each process before its successor starts, as Circus's `sequential`. */
  readonly sequential?: boolean;
  /** What to change in the spec; it is changed once every process has been replaced by one that has it. */
  readonly change?: (spec: WatcherSpec) => WatcherSpec;
  readonly by?: string;
}

/** In which portions processes are replaced. */
export interface ReloadPlan {
  /** How many are replaced at once: first, and then again and again. */
  readonly first: number;
  readonly batch: number;
  /** Each is stopped before its successor starts. */
  readonly stopFirst: boolean;
}

/** What a reload is about to do: to start a batch, or, as all successors of it are ready, to have the old ones leave. */
export interface ReloadStep {
  /** The watcher's name. */
  readonly watcher: string;
  readonly kind: 'start' | 'stop';
  readonly operation: Operation;
  /** The successors that are ready and serve beside the old ones. */
  readonly ready: readonly Process[];
}

/** What a reload did, as the hook `reloaded` tells it. */
export interface ReloadReport extends Report {
  /** Each process was stopped before its successor started, as two of them could not run at once. */
  readonly stoppedFirst: boolean;
}

const SIGHUP = 1;

/** Asks for a reload: an operation in the watcher's line. A watcher that rests is started, as in Circus. */
export function reload(watcher: Watcher, request: ReloadRequest, board: HookBoard, clock: Clock): Operation {
  const { graceful = true, sequential = false, by = 'operator' } = request;
  const { keeper } = watcher;
  // Asked each time: what others change in the spec meanwhile is not lost.
  const spec = () => (request.change ? board.change('watcherSpec', request.change(watcher.spec)) : watcher.spec);
  /** What came by this reload. */
  const fresh = new Set<Process>();
  let stoppedFirst = false;

  const ask = (kind: ReloadStep['kind'], operation: Operation, ready: readonly Process[], signal: AbortSignal) =>
    abortable(board.require('beforeStep', { watcher: watcher.name, kind, operation, ready }, signal), signal);

  /** Starts successors side by side; when all are ready and plugins agree, the old ones leave: all of them, or none. */
  const replaceBatch = async (batch: readonly Process[], wanted: WatcherSpec, operation: Operation) => {
    const failed = manyWaiters();
    const signal = anyOf(operation.signal, failed.signal);
    const ready: Process[] = [];
    let agree!: () => void;
    const agreement = new Promise<void>((resolve) => (agree = resolve));
    const fail = (error: unknown) => failed.abort(error);
    const join = async (successor: Process) => {
      fresh.add(successor);
      if (ready.push(successor) === batch.length) ask('stop', operation, ready, signal).then(agree, fail);
      await abortable(Promise.race([agreement, endOf(successor, wanted)]), signal);
    };
    const replace = async (old: Process) =>
      stoppedFirst
        ? fresh.add(await keeper.replaceStoppedFirst(old, wanted, operation.signal))
        : keeper.replace(old, wanted, signal, undefined, join);
    await Promise.all(batch.map((old) => replace(old).catch(fail)));
    signal.throwIfAborted();
    if (stoppedFirst) await sleep(clock, wanted.warmup_delay * 1000, operation.signal);
  };

  /** Replaces all that serve now, by processes of this spec: what did not come by this reload or, to go back, what did. */
  const replaceAll = async (operation: Operation, wanted: WatcherSpec, back = false) => {
    const plain = { first: 1, batch: 1, stopFirst: sequential || watcher.alone };
    const plan = plain.stopFirst ? plain : board.change('reloadPlan', plain, wanted, watcher);
    stoppedFirst = plan.stopFirst;
    const waiting = keeper.slots.serving.filter((process) => fresh.has(process) === back);
    const total = waiting.length;
    if (total > 0) operation.advance(0, total);
    for (let size = plan.first; waiting.length > 0; size = plan.batch) {
      operation.signal.throwIfAborted();
      await ask('start', operation, [], operation.signal);
      const batch = waiting.splice(0, size).filter(({ alive, stopping }) => alive && !stopping);
      await replaceBatch(batch, wanted, operation);
      operation.advance(total - waiting.length, total);
    }
  };

  const operation = watcher.enqueue('reload', by, async (operation) => {
    if (watcher.resting || !graceful) {
      watcher.adopt(spec());
      return watcher.doRestart(operation);
    }
    if (spec().send_hup && !request.change) {
      for (const process of watcher.processes) send(process.pid, SIGHUP);
      return;
    }
    let changing = request.change !== undefined;
    try {
      await replaceAll(operation, spec());
      if (!changing) return;
      watcher.adopt(spec());
      changing = false;
      // What was respawned or added without it meanwhile.
      await replaceAll(operation, watcher.spec);
      await keeper.adjust();
    } catch (error) {
      // As an operation of its own: this one is over when it was cancelled.
      if (changing && watcher.filling)
        watcher.enqueue('reload', 'kernel', (back) => replaceAll(back, watcher.spec, true));
      throw error;
    }
  });
  if (graceful)
    operation.result
      .then((report) => board.tell('reloaded', watcher, { ...report, stoppedFirst }))
      .catch(() => undefined);
  return operation;
}
