/** Taking watchers out of service, and putting them back: noted first, so that no crash of the daemon loses it. */
import type { Arbiter, Watcher } from '#core';
import type { Decisions, Disabled } from './decisions.js';

const bringing = new Set(['start', 'restart', 'reload']);
/** States in which what was wanted is over. */
const over = new Set(['completed', 'gave-up']);

/** True for what is to run: also while it is being started. */
const isUp = ({ wanted, state, queue }: Watcher): boolean =>
  (wanted === 'up' && !over.has(state)) || queue.operations.some(({ kind, settled }) => !settled && bringing.has(kind));

/** By whom and why, as words that go on after "disabled". */
const wordsOf = ({ by, reason }: Disabled): string => `by ${by}${reason === null ? '' : `: ${reason}`}`;

/** Which watchers are out of service. */
export class OutOfService {
  readonly #arbiter: Arbiter;
  readonly #decisions: Decisions;

  constructor(arbiter: Arbiter, decisions: Decisions) {
    this.#arbiter = arbiter;
    this.#decisions = decisions;
  }

  /** That a watcher is disabled, also one that is not there now; undefined when it is not. */
  about(name: string): Disabled | undefined {
    return this.#decisions.about('disabled', name);
  }

  /** Notes that watchers are disabled; resolves when that is written, if it can be. One that is gets the new reason. */
  note(watchers: readonly Watcher[], by: string, reason: string | null): Promise<void> {
    const at = this.#arbiter.clock.now();
    const all = watchers.flatMap((watcher): readonly Disabled[] => {
      const { name } = watcher;
      const before = this.about(name);
      if (before) return reason === null ? [] : [{ ...before, by, at, reason }];
      return [{ name, by, at, reason, up: isUp(watcher), boot: this.#arbiter.id }];
    });
    return all.length === 0 ? Promise.resolve() : this.#decisions.note('disabled', ...all);
  }

  /** Keeps a watcher down if it is noted so; resolves when it is. */
  async keep(watcher: Watcher, by: string): Promise<void> {
    const decision = this.about(watcher.name);
    if (decision) await watcher.disable(wordsOf(decision), by);
  }

  /**
   * Lets watchers be started again; resolves, when that is written, with those that are to be: they ran when they were
   * disabled, or the daemon has been started since and would have started them.
   */
  async putBack(watchers: readonly Watcher[], by: string): Promise<readonly Watcher[]> {
    const meant = watchers.filter((watcher) => this.isToRun(watcher));
    const written = this.drop(watchers.map(({ name }) => name));
    // Whoever asks for a start next is not refused.
    for (const watcher of watchers) watcher.enable(by);
    await written;
    return meant;
  }

  /** Forgets that watchers are disabled, also of names that are not there; resolves when that is written. */
  drop(names: readonly string[]): Promise<void> {
    return this.#decisions.drop('disabled', ...names);
  }

  /** Without the plugin, nobody could enable what is disabled: it can be started then. What is written stays. */
  close(by: string): void {
    if (this.#arbiter.stopping) return;
    for (const watcher of this.#arbiter.watchers) if (watcher.disabled !== undefined) watcher.enable(by);
  }

  /** True for a disabled watcher that is to run as soon as it is enabled. */
  isToRun({ name, spec }: Watcher): boolean {
    const { up = false, boot } = this.about(name) ?? {};
    return boot === this.#arbiter.id ? up : spec.autostart;
  }
}
