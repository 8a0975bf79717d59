/** Replacing the processes of a watcher one by one, without ever having fewer than wanted where that is possible. */
import type { Clock } from './clock.js';
import { sleep } from './clock.js';
import type { HookBoard } from './board.js';
import type { Operation } from './operation.js';
import { send } from './process.js';
import type { WatcherSpec } from './spec.js';
import type { Watcher } from './watcher.js';

/** How to reload. */
export interface ReloadRequest {
  /** false: stop all, then start all. */
  readonly graceful?: boolean;
  /** Stop each process before its successor starts, as Circus's `sequential`. */
  readonly sequential?: boolean;
  /** Another spec, adopted when every process has been replaced by one made from it. */
  readonly spec?: WatcherSpec;
  readonly by?: string;
}

const SIGHUP = 1;

/** Asks for a reload: an operation in the watcher's line. A watcher that rests is started, as in Circus. */
export function reload(watcher: Watcher, request: ReloadRequest, board: HookBoard, clock: Clock): Operation {
  const { graceful = true, sequential = false, by = 'operator' } = request;
  const spec = () => request.spec ?? watcher.spec;
  let stoppedFirst = false;

  const replaceAll = async (operation: Operation) => {
    stoppedFirst = sequential || spec().singleton;
    const { serving } = watcher.keeper.slots;
    let done = 0;
    operation.advance(0, serving.length);
    for (const process of serving) {
      operation.signal.throwIfAborted();
      if (!process.alive || process.stopping) continue;
      if (stoppedFirst) await watcher.keeper.replaceStoppedFirst(process, spec(), operation.signal);
      else await watcher.keeper.replace(process, spec(), operation.signal);
      operation.advance(++done, serving.length);
      if (stoppedFirst && spec().warmup_delay > 0) await sleep(clock, spec().warmup_delay * 1000, operation.signal);
    }
  };

  const operation = watcher.enqueue('reload', by, async (operation) => {
    if (watcher.resting || !graceful) {
      if (request.spec) watcher.update(request.spec);
      return watcher.doRestart(operation);
    }
    if (spec().send_hup && !request.spec) {
      for (const process of watcher.processes) send(process.pid, SIGHUP);
      return;
    }
    await replaceAll(operation);
    if (request.spec) watcher.update(request.spec);
  });
  if (graceful)
    operation.result
      .then((report) => board.tell('reloaded', watcher, { ...report, stoppedFirst }))
      .catch(() => undefined);
  return operation;
}
