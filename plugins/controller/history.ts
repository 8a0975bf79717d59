/** The last ends of each watcher's processes, and why they came. */
import { signalName, type Arbiter, type Exit, type HookViews, type Operation, type Process } from '#core';
import { SIGKILL } from '../signal.js';
import { Answers, questions } from './answers.js';
import { MemoryKills } from './out-of-memory.js';

const mostEnds = 50;

/** One end of a process. */
export interface End {
  /** Seconds since the epoch. */
  readonly time: number;
  readonly pid: number;
  readonly wid: number;
  readonly code: number | null;
  /** The name of the signal. */
  readonly signal: string | null;
  /** How long it lived, in seconds. */
  readonly duration: number;
  /**
   * Why: `exited`, `crashed`, `out of memory`, `not run` (its chain failed before it), `unknown` (it was not our child),
   * `signalled`, `killed after grace`, the kernel's own reason, or what whoever had it replaced says.
   */
  readonly reason: string;
  /** Who asked for it; null when nobody did, or nobody knows who. */
  readonly by: string | null;
}

/** What is kept of a watcher: its last ends, oldest first, and how many there were in each place. */
interface Past {
  readonly ends: End[];
  readonly restarts: Record<number, number>;
}

/** The operations that end processes for a reason; one that is stopped may be so by any of them. */
const kinds: Partial<Record<Exit['reason'], readonly Operation['kind'][]>> = {
  resized: ['resize'],
  replaced: ['reload', 'replace'],
};

/** The ends, by the names of the watchers. */
export class History {
  /** Who knows the file that counts the kills of a process. */
  readonly counters: Answers<Process, string>;
  readonly #arbiter: Arbiter;
  readonly #memory: MemoryKills;
  readonly #past: Map<string, Past>;
  readonly #since = new WeakMap<Process, number>();
  readonly #asked = new WeakMap<Process, string>();
  readonly #signals = new WeakMap<Process, { readonly signal: number; readonly by: string }>();

  constructor(arbiter: Arbiter, state: Readonly<Record<string, Past>> = {}, memory = new MemoryKills()) {
    this.counters = new Answers(questions.memoryCounter, (fault) => arbiter.hooks.tell('fault', fault));
    this.#arbiter = arbiter;
    this.#memory = memory;
    this.#past = new Map(Object.entries(state));
  }

  get state(): Readonly<Record<string, Past>> {
    return Object.fromEntries(this.#past);
  }

  /** The last ends of a watcher, oldest first. */
  of(watcher: string): readonly End[] {
    return this.#past.get(watcher.toLowerCase())?.ends ?? [];
  }

  /** How many processes have ended in the place of this one. */
  restarts({ watcher, wid }: Process): number {
    return this.#past.get(watcher.toLowerCase())?.restarts[wid] ?? 0;
  }

  /** Wall time since when a process is in its state, in ms. */
  since(process: Process): number {
    return this.#since.get(process) ?? process.startedAt;
  }

  /** Notes that somebody sent a signal, which may be its end. */
  signalled(process: Process, signal: number, by: string): void {
    this.#signals.set(process, { signal, by });
  }

  /** Learns from the kernel's notices. */
  tap(hooks: HookViews): void {
    hooks.spawned.tap('history', (process) => this.#memory.watch(process, this.counters.about(process)));
    hooks.processState.tap('history', (process, _before, after) => {
      this.#since.set(process, this.#arbiter.clock.now());
      // What is put before a program may have moved it to another control group by now.
      if (after === 'ready' && process.spec.chain.length > 0) this.#memory.watch(process, this.counters.about(process));
      const by = after === 'stopping' ? this.#askerOf(process) : undefined;
      if (by !== undefined) this.#asked.set(process, by);
    });
    hooks.reaped.tap('history', (exit, process, watcher) => {
      // What is taken out ends later, and its name may be another's by then.
      if (this.#arbiter.find(watcher.name) === watcher) this.#note(process, exit);
    });
    hooks.watcherRemoved.tap('history', ({ name }) => void this.#past.delete(name.toLowerCase()));
  }

  #note(process: Process, exit: Exit): void {
    const { pid, wid } = process;
    const name = process.watcher.toLowerCase();
    const past = this.#past.get(name) ?? { ends: [], restarts: {} };
    this.#past.set(name, past);
    const signal = exit.signal === null ? null : (signalName(exit.signal) ?? String(exit.signal));
    const facts = { time: exit.at / 1000, pid, wid, code: exit.code, signal, duration: exit.lived / 1000 };
    past.ends.push({ ...facts, ...this.#why(process, exit) });
    if (past.ends.length > mostEnds) past.ends.shift();
    past.restarts[wid] = (past.restarts[wid] ?? 0) + 1;
  }

  #why(process: Process, { reason, why, ...exit }: Exit): Pick<End, 'reason' | 'by'> {
    const { code, signal, forced, failedLink } = exit;
    if (reason !== 'ended')
      return { reason: forced ? 'killed after grace' : (why ?? reason), by: this.#asked.get(process) ?? null };
    const sent = this.#signals.get(process);
    if (signal !== null && sent?.signal === signal) return { reason: 'signalled', by: sent.by };
    if (failedLink !== undefined) return { reason: 'not run', by: null };
    if (signal === SIGKILL && this.#memory.explains(process)) return { reason: 'out of memory', by: null };
    if (signal === null && code === null) return { reason: 'unknown', by: null };
    return { reason: code === 0 ? 'exited' : 'crashed', by: null };
  }

  /** Who asked for the stop of a process: the one who stopped it, or the operation that is under way. */
  #askerOf({ stopping, watcher }: Process): string | undefined {
    if (!stopping || stopping.by !== undefined) return stopping?.by;
    if (stopping.reason === 'killed' || stopping.reason === 'refused') return undefined;
    const among = kinds[stopping.reason];
    return [...this.#arbiter.operations.values()].findLast(
      (operation) =>
        operation.watcher === watcher &&
        operation.state === 'running' &&
        (among ? among.includes(operation.kind) : operation.kind !== 'resize'),
    )?.by;
  }
}
