/** Which processes belong to one child: its descendants, and those that got away from their parents. */
import type { HookBoard } from './board.js';
import { childrenOf, factsOf, isSubreaper, variableOf } from './posix/process.js';
import { collect, unexpectedChildren } from './posix/reap.js';
import type { Process } from './process.js';

/** By what a stop ends whole trees, in a word for people, and perhaps a way to kill all of one at a stroke. */
export interface Means {
  readonly by: string;
  /** Called when the grace is over, perhaps more than once, before the kernel kills what it sees itself. */
  readonly kill?: (process: Process) => void;
}

/** The best means for the trees of this watcher: a plugin's, else the table of processes, with or without orphans in it. */
export const meansFor = (board: HookBoard, at: Pick<Process, 'watcher'>): Means =>
  board.change('means', { by: isSubreaper() ? 'subreaper' : 'process group' }, at);

/** Children of ours in sessions of their own that nobody knows: they left their watcher without a trace. */
export function strays(): readonly number[] {
  const own = factsOf(process.pid)?.session;
  return unexpectedChildren().filter((pid) => {
    const facts = factsOf(pid);
    return facts !== undefined && !facts.zombie && facts.session !== own;
  });
}

/** The variable by which a process that left its parent and its session is still known. */
export const markName = 'CIRCUS_ID';

/** Remembers the descendants of one process, so that they are found again when they have become orphans. */
export class Tree {
  readonly #root: number;
  readonly #mark: string;
  /** pid to start time: a number that was given to another process since is not a member. */
  readonly #known = new Map<number, string>();

  constructor(root: number, mark: string) {
    this.#root = root;
    this.#mark = mark;
  }

  /** The living members, without the root itself. A root that was collected has none: its number may be another's. */
  members(rootAlive: boolean): number[] {
    if (rootAlive) this.#walk(this.#root);
    for (const pid of [...this.#known.keys()]) if (this.#lives(pid)) this.#walk(pid);
    for (const pid of unexpectedChildren()) if (this.#isOurs(pid)) this.#walk(pid, true);
    return [...this.#known.keys()].filter((pid) => this.#lives(pid));
  }

  #walk(pid: number, self = false): void {
    for (const child of self ? [pid] : childrenOf(pid)) {
      if (this.#known.has(child)) continue;
      const facts = factsOf(child);
      if (!facts || facts.zombie) continue;
      this.#known.set(child, facts.startTime);
      this.#walk(child);
    }
  }

  #isOurs(pid: number): boolean {
    // One that was adopted may be a child of ours that nobody expects.
    if (pid === this.#root || this.#known.has(pid)) return false;
    const facts = factsOf(pid);
    if (!facts || facts.zombie) return false;
    return facts.session === this.#root || facts.group === this.#root || variableOf(pid, markName) === this.#mark;
  }

  #lives(pid: number): boolean {
    const facts = factsOf(pid);
    if (facts?.startTime === this.#known.get(pid)) {
      if (!facts?.zombie) return true;
      // Known to be of this tree, it is nobody else's to collect, and need not wait for its turn among unknown orphans.
      if (facts.parent === process.pid) collect(pid);
    }
    this.#known.delete(pid);
    return false;
  }
}
