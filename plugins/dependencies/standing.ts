/** Whether a watcher is as another one needs it, and if not, why. */
import { reasonOf, type Process, type Watcher, type WatcherState } from '#core';
import { endedWell as isSuccess } from '../exit-codes.js';
import type { Condition, Need } from './settings.js';

const starting = new Set(['start', 'restart', 'reload']);
/** States in which nothing changes by itself any more. */
const final = new Set<WatcherState>(['gave-up', 'completed', 'disabled']);
/** States before the end of a start. */
const onItsWay = new Set<WatcherState>(['stopped', 'waiting', 'starting', 'stopping']);
/** States in which it may still complete. */
const running = new Set<WatcherState>(['active', 'retrying']);

const works = ({ alive, stopping }: Process) => alive && !stopping;
const isReady = (process: Process) => works(process) && (process.state === 'ready' || process.state === 'adopted');

/** True for one that starts at its first client: who needs it can be that client. */
const takesClients = ({ state, reason }: Watcher) =>
  state === 'waiting' && /^waiting for a client\b[^;]*$/.test(reason);

/** True when the last process of each place ended well, as `success_exit_codes` says. */
function endedWell({ history, spec }: Watcher): boolean {
  const last = new Map(history.map(({ wid, exit }) => [wid, exit]));
  return [...last].every(([wid, exit]) => wid > spec.numprocesses || isSuccess(spec.options, exit));
}

/** True when a watcher meets a condition now. */
export function isMet(watcher: Watcher, condition: Condition): boolean {
  const { state, processes } = watcher;
  switch (condition) {
    case 'completed':
      return state === 'completed';
    case 'completed_ok':
      return state === 'completed' && endedWell(watcher);
    case 'started':
      if (state === 'starting' || state === 'active') return processes.some(works);
      return state === 'completed' || takesClients(watcher);
    case 'ready':
      if (state === 'active') return processes.some(isReady);
      return takesClients(watcher) || (state === 'completed' && endedWell(watcher));
  }
}

/** True while something with processes of it as a whole is being done. */
export const isBusy = ({ queue }: Watcher): boolean =>
  queue.operations.some(({ kind, settled }) => !settled && (kind === 'stop' || starting.has(kind)));

/** True when it is up, or somebody has asked for that. */
const isComing = ({ wanted, queue }: Watcher) =>
  wanted === 'up' || queue.operations.some(({ kind, settled }) => !settled && starting.has(kind));

/** True while a watcher (undefined: there is none of that name) has to be waited for. */
export function isAwaited({ kind, condition }: Need, watcher: Watcher | undefined): boolean {
  if (watcher && isMet(watcher, condition)) return false;
  if (kind === 'requires') return true;
  if (!watcher || !isComing(watcher)) return false;
  if (kind === 'wants') return !final.has(watcher.state);
  const untilItsEnd = condition === 'completed' || condition === 'completed_ok';
  return onItsWay.has(watcher.state) || (untilItsEnd && running.has(watcher.state));
}

/** Why a watcher does not meet a condition, as a phrase; `objection` tells what a process of it lacks. */
export function whyNot(
  { state, reason, processes, history, spec }: Watcher,
  condition: Condition,
  objection: (process: Process) => string | undefined,
): string {
  switch (state) {
    case 'completed': {
      const code = history.findLast(({ exit }) => !isSuccess(spec.options, exit))?.exit.code;
      return code == null ? 'it has completed' : `it completed with code ${code}`;
    }
    case 'starting':
    case 'active': {
      if (condition === 'completed' || condition === 'completed_ok') return 'it still runs';
      const [objected] = processes.filter(works).flatMap((process) => objection(process) ?? []);
      return objected ?? (state === 'starting' ? 'it is starting' : 'none of its processes is ready');
    }
    case 'waiting':
    case 'gave-up':
      return `it ${reason.replace(/^(?:gave up: )?/, state === 'waiting' ? 'is ' : 'gave up: ')}`;
    case 'retrying':
      return reasonOf(reason);
    default:
      return reason.startsWith(state) ? `it was ${reason}` : `it is ${state}`;
  }
}
