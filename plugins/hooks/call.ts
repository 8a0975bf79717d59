/** One call of a hook: what it is about, and what came of it. */
import { signalName, type Arbiter, type Environment, type Process, type Watcher } from '#core';
import type { PointName } from './points.js';

/** What a hook is called for. */
export interface Call {
  readonly point: PointName;
  readonly watcher: Watcher;
  /** Circus's arguments beyond `watcher`, `arbiter` and `hook_name`, by name. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly process?: Process | undefined;
}

/** What a hook answered. */
export interface Answer {
  readonly yes: boolean;
  /** Why not, as a phrase after its name. */
  readonly why?: string;
  /** A command that ended with another code than 0: it says no, and is a failure too. */
  readonly failed?: true;
  /** What a Python function changed in `watcher.env`; null: taken out. */
  readonly env?: Readonly<Record<string, string | null>>;
}

/** What a process that is called knows by its environment. */
export function factsOf(
  { point, watcher, given, process }: Call,
  endpoint: string | undefined,
): Record<string, string> {
  const facts: Record<string, unknown> = {
    CIRCUS_HOOK: point,
    CIRCUS_WATCHER: watcher.name,
    CIRCUS_WID: process?.wid,
    CIRCUS_PID: given['pid'] ?? given['process_pid'],
    CIRCUS_SIGNAL: given['signum'],
    CIRCUS_SIGNAL_NAME: typeof given['signum'] === 'number' ? signalName(given['signum']) : undefined,
    CIRCUS_TIME: given['time'],
    CIRCUS_EXIT_CODE: given['exit_code'],
    CIRCUS_PROCESS_STATUS: given['process_status'],
    CIRCUSCTL_ENDPOINT: endpoint,
  };
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(known.map(([name, value]) => [name, String(value)]));
}

/** What a Python function gets to know of a watcher; the environment only of its own. */
export function watcherFacts({ name, spec, state, processes }: Watcher, env?: Environment) {
  const { options, env: _, secrets: _secrets, needs: _needs, name: _name, ...own } = spec;
  return {
    name,
    res_name: name.toLowerCase().replaceAll(' ', '_'),
    state,
    env: env ?? {},
    options: { ...options, ...own },
    processes: processes.map(({ pid, wid, startedAt }) => ({ pid, wid, started: startedAt / 1000 })),
  };
}

/** What a Python function gets to know of the daemon. */
export function arbiterFacts({ watchers, startedAt }: Arbiter, endpoint: string | undefined) {
  return {
    pid: globalThis.process.pid,
    endpoint,
    started: startedAt / 1000,
    watchers: watchers.map((watcher) => watcherFacts(watcher)),
  };
}
