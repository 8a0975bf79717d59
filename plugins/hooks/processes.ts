/** The moments of single processes: their spawn, signals and ends. */
import type { Arbiter, HookViews, Process, Watcher } from '#core';
import { SIGKILL } from '../signal.js';
import type { Call } from './call.js';
import type { Caller } from './caller.js';

/** Circus's word for what has ended by itself; it has none for what it stopped. */
const dead = 1;

/** Taps what is told of processes. `last` is how questions are tapped. */
export function tapProcesses(
  hooks: HookViews,
  arbiter: Arbiter,
  caller: Caller,
  last: { readonly name: string; readonly stage: number; readonly deadline: number },
): void {
  /** A watcher that was taken out is not listed any more while it is stopped. */
  const watchers = new WeakMap<Process, Watcher>();
  const call = (point: Call['point'], process: Process, given: Call['given']) => {
    const watcher = watchers.get(process) ?? arbiter.find(process.watcher);
    return watcher && { point, watcher, given, process };
  };
  const tell = (...about: Parameters<typeof call>) => {
    const found = call(...about);
    if (found) caller.tell(found);
  };

  hooks.afterSpawn.tap(last, (process, watcher, signal) => {
    watchers.set(process, watcher);
    return caller.ask({ point: 'after_spawn', watcher, given: { pid: process.pid }, process }, signal);
  });
  hooks.beforeSignal.tap(last, async (process, signum) => {
    const found = call('before_signal', process, { pid: process.pid, signum });
    return found && caller.ask(found);
  });
  hooks.delivered.tap(last.name, (process, signum) => {
    const given = { pid: process.pid, signum };
    // Nobody may hold this one up, so it is told when it was sent.
    if (signum === SIGKILL) tell('before_signal', process, given);
    tell('after_signal', process, given);
  });
  hooks.processState.tap(last.name, (process, _before, after) => {
    if (after === 'ended') tell('before_reap', process, { process_pid: process.pid, time: arbiter.clock.now() / 1000 });
  });
  hooks.reaped.tap(last.name, ({ code, signal, at }, process) => {
    const exit_code = code ?? (signal === null ? null : -signal);
    const process_status = process.stopping ? null : dead;
    tell('after_reap', process, { process_pid: process.pid, time: at / 1000, exit_code, process_status });
  });
}
