/** When a process counts as ready, and how its end is put into words. */
import type { HookBoard } from './board.js';
import { sleep, type Clock } from './clock.js';
import { CircusError } from './errors.js';
import { Refusal } from './guard.js';
import type { Exit, Process } from './process.js';
import { signalName } from './posix/spawn.js';
import type { Watcher } from './watcher.js';

/** How a process ended, in words. */
export function describeExit({ code, signal, forced }: Pick<Exit, 'code' | 'signal' | 'forced'>): string {
  if (signal !== null)
    return `killed by ${signalName(signal) ?? `signal ${signal}`}${forced ? ' after its grace' : ''}`;
  return code === null ? 'ended, its exit code is not known' : `exited with code ${code}`;
}

/**
 * Resolves when the process can serve: when a plugin says so, or, if none has an opinion, when it has lived for `wait`
 * ms. Rejects with ERR_PROCESS_UNREADY when a plugin refuses or the process ends; never unhandled.
 */
export function awaitReady(
  process: Process,
  watcher: Watcher,
  wait: number,
  { board, clock }: { readonly board: HookBoard; readonly clock: Clock },
): Promise<void> {
  if (wait === 0 && !board.used('ready')) {
    process.become('ready');
    return Promise.resolve();
  }
  const over = new AbortController();
  const judge = async () => {
    const answer = await board.ask('ready', process, watcher, over.signal);
    if (answer instanceof Refusal) throw new CircusError('ERR_PROCESS_UNREADY', [process.pid, `refused by ${answer}`]);
    if (answer !== true) await sleep(clock, wait - process.age, over.signal);
  };
  const ended = process.ended.then((exit) => {
    const words = `it ${exit.signal === null ? '' : 'was '}${describeExit(exit)}`;
    throw new CircusError('ERR_PROCESS_UNREADY', [process.pid, words]);
  });
  const readiness = Promise.race([judge(), ended])
    .finally(() => over.abort())
    .then(() => process.become('ready'));
  readiness.catch(() => undefined);
  return readiness;
}
