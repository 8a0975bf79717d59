/** When a process counts as ready, and how its end is put into words. */
import type { HookBoard } from './board.js';
import { breathe, sleep, type Clock } from './clock.js';
import { CircusError } from './errors.js';
import { Refusal } from './guard.js';
import { withoutSecrets } from './launch.js';
import { longestTail, type Exit, type Process } from './process.js';
import { signalName } from './posix/spawn.js';
import type { WatcherSpec } from './spec.js';
import type { Watcher } from './watcher.js';

/** How many of the last lines of a process are told. */
const mostLines = 10;

/** How a process ended, in words. */
export function describeExit({ code, signal, forced }: Pick<Exit, 'code' | 'signal' | 'forced'>): string {
  if (signal !== null)
    return `killed by ${signalName(signal) ?? `signal ${signal}`}${forced ? ' after its grace' : ''}`;
  return code === null ? 'ended, its exit code is not known' : `exited with code ${code}`;
}

/** What a process that was made from `spec` wrote last, as the end of a sentence; empty where it wrote nothing to us. */
function lastWords({ tail }: Process, spec: WatcherSpec): string {
  const lines = withoutSecrets(tail.toString(), spec).split('\n');
  // What was cut in two may be half a secret.
  const whole = lines.slice(tail.length < longestTail ? 0 : 1).filter((line) => line.trim() !== '');
  const text = whole.slice(-mostLines).join(' / ');
  const escaped = text.replace(/\p{Cc}/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return text === '' ? '' : `; it wrote last: ${escaped}`;
}

/** Rejects with ERR_PROCESS_UNREADY when the process ends, which it was not to; never unhandled. */
export function endOf(process: Process, spec: WatcherSpec): Promise<never> {
  const ended = process.ended.then(async (exit) => {
    // What it wrote before its end is read by then; what it left behind may go on writing.
    await breathe();
    const words = `it ${exit.signal === null ? '' : 'was '}${describeExit(exit)}${lastWords(process, spec)}`;
    throw new CircusError('ERR_PROCESS_UNREADY', [process.pid, words]);
  });
  ended.catch(() => undefined);
  return ended;
}

/**
 * Resolves when the process can serve: when a plugin says so, or, if none has an opinion, when it has lived for `wait`
 * ms. Rejects with ERR_PROCESS_UNREADY when a plugin refuses or the process ends; never unhandled.
 */
export function awaitReady(
  process: Process,
  watcher: Watcher,
  spec: WatcherSpec,
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
    if (answer === undefined) await sleep(clock, wait - process.age, over.signal);
    // The question is over then, and whatever was answered is no answer.
    if (!process.alive) await endOf(process, spec);
    if (answer instanceof Refusal)
      throw new CircusError('ERR_PROCESS_UNREADY', [process.pid, `refused by ${answer}${lastWords(process, spec)}`]);
  };
  void process.ended.then(() => over.abort());
  const readiness = Promise.race([judge(), endOf(process, spec)])
    .finally(() => over.abort())
    .then(() => process.become('ready'));
  readiness.catch(() => undefined);
  return readiness;
}
