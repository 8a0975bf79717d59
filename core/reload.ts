/** Replacing the processes of a watcher one by one, without ever having fewer than wanted where that is possible. */
import { sleep, type Clock } from './clock.js';
import type { HookBoard } from './board.js';
import type { Operation, Report } from './operation.js';
import { send, type Process } from './process.js';
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

/** What a reload did, as the hook `reloaded` tells it. */
export interface ReloadReport extends Report {
  /** Each process was stopped before its successor started, as two of them could not run at once. */
  readonly stoppedFirst: boolean;
}

const SIGHUP = 1;

/** Asks for a reload: an operation in the watcher's line. A watcher that rests is started, as in Circus. */
export function reload(watcher: Watcher, request: ReloadRequest, board: HookBoard, clock: Clock): Operation {
  const { graceful = true, sequential = false, by = 'operator' } = request;
  // Asked each time: what others change in the spec meanwhile is not lost.
  const spec = () => (request.change ? board.change('watcherSpec', request.change(watcher.spec)) : watcher.spec);
  let stoppedFirst = false;

  /** Replaces all that serve now but those in `fresh`, to which the new ones are added. */
  const replaceAll = async (operation: Operation, fresh: Set<Process>) => {
    const { keeper } = watcher;
    const wanted = spec();
    stoppedFirst = sequential || watcher.alone;
    const stale = keeper.slots.serving.filter((process) => !fresh.has(process));
    let done = 0;
    operation.advance(0, stale.length);
    for (const process of stale) {
      operation.signal.throwIfAborted();
      if (process.alive && !process.stopping) {
        const replace = stoppedFirst ? 'replaceStoppedFirst' : 'replace';
        fresh.add(await keeper[replace](process, wanted, operation.signal));
        if (stoppedFirst) await sleep(clock, wanted.warmup_delay * 1000, operation.signal);
      }
      operation.advance(++done, stale.length);
    }
  };

  /** Makes the change the watcher's own, and replaces what was respawned without it meanwhile. */
  const commit = async (operation: Operation, fresh: Set<Process>) => {
    watcher.adopt(spec());
    await replaceAll(operation, fresh);
    await watcher.keeper.adjust();
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
    const fresh = new Set<Process>();
    await replaceAll(operation, fresh);
    if (request.change) await commit(operation, fresh);
  });
  if (graceful)
    operation.result
      .then((report) => board.tell('reloaded', watcher, { ...report, stoppedFirst }))
      .catch(() => undefined);
  return operation;
}
