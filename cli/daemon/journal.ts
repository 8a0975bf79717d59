/** What the kernel tells, as lines of the log. */
import {
  describeExit,
  reasonOf,
  systemClock,
  type Arbiter,
  type Clock,
  type HookViews,
  type Log,
  type WatcherState,
} from '#core';

const quiet = new Set<WatcherState>(['starting', 'stopping']);
const words: Readonly<Partial<Record<WatcherState, string>>> = {
  waiting: 'is waiting',
  retrying: 'is down, another attempt follows',
  'gave-up': 'gave up',
};

/** How many watchers there are, in words. */
export const count = ({ watchers: { length } }: Arbiter): string => `${length} watcher${length === 1 ? '' : 's'}`;

/** A frame of our own bundle, which tells the author of a plugin nothing. */
const ownFrame = /\n +at [^\n]*\/dist\/chunk-[^\n/]*\.js[^\n]*/g;
/** How often the same fault is told, in ms, and how many different ones are kept in mind. */
const pause = 60_000;
const mostFaults = 1000;

/** Which faults were told: a plugin that fails at all it is asked would fill the disk. */
class Faults {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #told = new Map<string, { at: number; left: number }>();

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Whether a fault is to be told now, with the number of those that were not told since; undefined when it is not. */
  tell(fault: string): { readonly first: boolean; readonly left: number } | undefined {
    const now = this.#clock.monotonic();
    const before = this.#told.get(fault);
    if (before && now - before.at < pause) return void before.left++;
    const [oldest] = this.#told.keys();
    if (!before && oldest !== undefined && this.#told.size >= mostFaults) this.#told.delete(oldest);
    this.#told.set(fault, { at: now, left: 0 });
    return { first: !before, left: before?.left ?? 0 };
  }
}

/** Where an error comes from; anything can be thrown, also what throws when it is looked at. */
function stackOf(error: unknown): { readonly stack?: string } {
  try {
    const { stack } = Object(error) as { readonly stack?: unknown };
    return typeof stack === 'string' ? { stack: stack.replace(ownFrame, '') } : {};
  } catch {
    return {};
  }
}

/** Writes the kernel's notices to the log. */
export function keepJournal(
  hooks: HookViews,
  arbiter: Arbiter,
  log: Log,
  clock: Pick<Clock, 'monotonic'> = systemClock,
): void {
  hooks.socketBound.tap('journal', (socket) => log.info(`socket ${socket.spec.name} listens on ${socket.address}`));
  hooks.watcherState.tap('journal', ({ name, reason }, before, after) => {
    if (quiet.has(after)) return;
    if (before === 'disabled') log.info(`${name} is enabled`);
    else if (after === 'disabled') log.warn(`${name} is disabled ${reason}`);
    else if (after === 'active') log.info(before === 'starting' ? `${name} started` : `${name} runs again`);
    else if (after === 'stopped') log.info(`${name} stopped`);
    // Held back on purpose, by a plugin that has words of its own for it.
    else if (after === 'waiting' && reason.startsWith('waiting ')) log.info(`${name} is ${reason}`);
    else if (after === 'completed') log.info(`${name} completed: ${reason}`);
    else {
      const word = words[after] ?? after;
      log.warn(reason.startsWith(`${word}: `) ? `${name} ${reason}` : `${name} ${word}: ${reason}`);
    }
  });
  hooks.spawned.tap('journal', ({ pid, wid }, { name }) =>
    log.debug(`${name}: process ${pid} started`, { watcher: name, process_pid: pid, wid }),
  );
  hooks.reaped.tap('journal', (exit, { pid, wid }, { name }) => {
    const line = `${name}: process ${pid} ${describeExit(exit)}`;
    const facts = { watcher: name, process_pid: pid, wid, reason: exit.reason };
    if (exit.reason === 'ended') log.info(line, facts);
    else log.debug(line, facts);
  });
  hooks.reloaded.tap('journal', ({ name }, { stoppedFirst }) =>
    log.info(`${name} reloaded${stoppedFirst ? ', each process stopped before its successor started' : ''}`),
  );
  hooks.operationChanged.tap('journal', ({ kind, watcher, state, reason }) => {
    if (state === 'failed') log.error(`${kind} of ${watcher} failed: ${reason}`);
  });
  const faults = new Faults(clock);
  hooks.fault.tap('journal', ({ plugin, hook, watcher, error }) => {
    const where = watcher === undefined ? hook : `${hook} of ${watcher}`;
    const reason = reasonOf(error);
    const told = faults.tell([plugin, hook, reason].join('\0'));
    if (!told) return;
    const others = told.left === 0 ? '' : ` (and ${told.left} times more since this was last told)`;
    const stack = told.first ? stackOf(error) : {};
    log.error(`plugin ${plugin} failed in ${where}: ${reason}${others}`, { plugin, hook, watcher, ...stack });
  });
  hooks.stop.tap('journal', () => log.info(`stopping ${count(arbiter)}`));
}
