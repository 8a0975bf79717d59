/** The signal at which programs without a handler of their own finish their work. */
import { signalName, stopPlan, type Process, type Watcher, type WatcherSpec } from '#core';
import { variable, type Inheritance } from './inherited.js';

/** SIGKILL and SIGSTOP. */
const uncatchable = new Set([9, 19]);

/** The first signal of a stop, as Node calls it; null: none that a program could notice. */
export function endSignal(spec: WatcherSpec): NodeJS.Signals | null {
  const { signal } = stopPlan(spec);
  return uncatchable.has(signal) ? null : ((signalName(signal) as NodeJS.Signals | undefined) ?? null);
}

/** What a process that inherits sockets was told at its start, for good. */
function isDeafTo(signal: NodeJS.Signals, { spec }: Process): boolean {
  const told = spec.env[variable];
  return told !== undefined && (JSON.parse(told) as Inheritance).signal !== signal;
}

/** The signal that would now cut off the requests of processes of this watcher; undefined: none. */
export function strangeSignal({ spec, processes }: Watcher): NodeJS.Signals | undefined {
  const signal = endSignal(spec);
  return signal !== null && processes.some((process) => isDeafTo(signal, process)) ? signal : undefined;
}
