/** Finds out which specs are good: a complete set of processes was ready, and went on so, for some time. */
import { releaseFilePages, type Exit, type Operation, type PluginContext, type Process, type Watcher } from '#core';
import type { Decisions } from './decisions.js';
import type { GoodSpecs } from './good-specs.js';
import { hashOf } from './kept-spec.js';

/** What is known of a watcher's present spec. */
interface Present {
  /** Its hash, once it is good. */
  hash?: string;
  /** It can't be kept: it is too long, or has a secret in it. */
  unfit?: boolean;
  /** Ends the wait for its being good. */
  cancel?: (() => void) | undefined;
  /** Wall time since when it is in place, in ms. */
  readonly since: number;
  /** It took the place of a good one. */
  readonly afterGood?: boolean;
}

const isReady = ({ alive, stopping, state }: Process) =>
  alive && !stopping && (state === 'ready' || state === 'adopted');

/** Keys that make no other version. */
const elsewhere = new Set(['numprocesses', 'needs']);

/** What it needs to know of its surroundings. */
export interface StabilityContext extends Pick<PluginContext, 'arbiter' | 'guard' | 'log'> {
  /** Who asks for something that changes a watcher just now; undefined when nobody knows. */
  readonly askerOf: (watcher: string) => string | undefined;
}

/** Keeps one timer for each watcher whose spec is not good yet, and none for the others. */
export class Stability {
  readonly #context: StabilityContext;
  readonly #time: number;
  readonly #specs: GoodSpecs;
  readonly #decisions: Decisions;
  readonly #present = new WeakMap<Watcher, Present>();
  readonly #timed = new Set<Watcher>();
  /** The watchers whose last reload failed, and why: the spec from before it is in place. */
  readonly #failed = new WeakMap<Watcher, string>();

  /** `time` in ms is how long it must go on. */
  constructor(context: StabilityContext, time: number, specs: GoodSpecs, decisions: Decisions) {
    this.#context = context;
    this.#time = time;
    this.#specs = specs;
    this.#decisions = decisions;
  }

  /** Why the last change of a watcher came to nothing; undefined when it did not. */
  failed(watcher: Watcher): string | undefined {
    return this.#failed.get(watcher);
  }

  /** Says why the last change of a watcher came to nothing; undefined: it did not. */
  fail(watcher: Watcher, reason: string | undefined): void {
    if (reason === undefined) this.#failed.delete(watcher);
    else this.#failed.set(watcher, reason);
  }

  /** What is known of the present spec: `good`, `unfit` to be kept, or `new`. */
  verdict(watcher: Watcher): 'good' | 'unfit' | 'new' {
    const { hash, unfit } = this.#of(watcher);
    return hash !== undefined ? 'good' : unfit ? 'unfit' : 'new';
  }

  /** True for a spec that took the place of a good one, and may turn out not to be. */
  isUnproven(watcher: Watcher): boolean {
    return this.verdict(watcher) === 'new' && this.#of(watcher).afterGood === true;
  }

  /** A watcher is there: it may have what was taken back. */
  added(watcher: Watcher): void {
    this.#warn(watcher);
    this.look(watcher);
  }

  /** To be called whenever something of a watcher came, went or changed. */
  look(watcher: Watcher): void {
    const present = this.#of(watcher);
    if (present.hash !== undefined || present.unfit) return;
    if (!this.#isComplete(watcher)) return this.#stop(watcher);
    if (present.cancel) return;
    const { arbiter, guard } = this.#context;
    const settle = guard(() => this.#settle(watcher, present));
    present.cancel = arbiter.clock.after(this.#time, settle);
    this.#timed.add(watcher);
  }

  /** A process ended: one that did so by itself was not stable. */
  ended({ reason }: Exit, watcher: Watcher): void {
    if (reason === 'ended') this.#stop(watcher);
    this.look(watcher);
  }

  /** The spec was changed. */
  changed(watcher: Watcher, keys: readonly string[]): void {
    if (keys.every((key) => elsewhere.has(key))) return this.look(watcher);
    const { hash, afterGood } = this.#of(watcher);
    this.#stop(watcher);
    const since = this.#context.arbiter.clock.now();
    this.#present.set(watcher, { since, afterGood: afterGood === true || hash !== undefined });
    this.#failed.delete(watcher);
    if (hash !== undefined) {
      this.#specs.replace(watcher.name, hash, this.#askerOf(watcher));
      this.#write();
    }
    this.added(watcher);
  }

  /** It has again a spec that was good: that is known at once. */
  restored(watcher: Watcher): void {
    this.#settle(watcher, this.#of(watcher));
  }

  /** What was being done to a watcher has begun or is over. */
  operated({ kind, state, reason, watcher: name }: Operation): void {
    const watcher = this.#context.arbiter.find(name);
    if (!watcher) return;
    if (kind === 'reload' && (state === 'failed' || state === 'cancelled')) this.fail(watcher, reason ?? state);
    this.look(watcher);
  }

  /** Its present spec counts as new. */
  forget(watcher: Watcher): void {
    this.#stop(watcher);
    this.#present.delete(watcher);
  }

  /** Ends all timers. */
  close(): void {
    for (const watcher of this.#timed) this.#stop(watcher);
  }

  /** Of its own spec, all of its processes. */
  #isComplete({ state, spec, processes, queue }: Watcher): boolean {
    return (
      state === 'active' &&
      spec.numprocesses > 0 &&
      // While it is being changed, some may have the next spec.
      queue.operations.every(({ kind, settled }) => settled || kind === 'replace') &&
      processes.filter(isReady).length >= spec.numprocesses
    );
  }

  #settle(watcher: Watcher, present: Present): void {
    const { arbiter, log } = this.#context;
    this.#stop(watcher);
    if (arbiter.find(watcher.name) !== watcher) return;
    if (!this.#specs.add(watcher.spec, present.since)) {
      present.unfit = true;
      return log.warn(
        `${watcher.name}: its spec can't be kept for a rollback: it is very long, or has a secret in another place than its variable`,
      );
    }
    present.hash = hashOf(watcher.spec);
    if (this.#decisions.about('rolled_back', watcher.name)?.hash === present.hash)
      void this.#decisions.drop('rolled_back', watcher.name);
    this.#write();
  }

  #stop(watcher: Watcher): void {
    const present = this.#present.get(watcher);
    present?.cancel?.();
    if (present) present.cancel = undefined;
    this.#timed.delete(watcher);
  }

  #of(watcher: Watcher): Present {
    const present = this.#present.get(watcher) ?? { since: this.#context.arbiter.clock.now() };
    this.#present.set(watcher, present);
    return present;
  }

  /** Says so where a watcher has again what an operator took back. */
  #warn(watcher: Watcher): void {
    const back = this.#decisions.about('rolled_back', watcher.name);
    if (!back || back.hash !== hashOf(watcher.spec)) return;
    const when = new Date(back.at).toISOString();
    this.#context.log.warn(
      `${watcher.name} has again what was rolled back by ${back.by} at ${when}: ${back.keys.join(', ')}`,
    );
  }

  #write(): void {
    const { arbiter, guard } = this.#context;
    const flush = guard(async () => {
      await this.#specs.flush((name) => arbiter.find(name) !== undefined);
      // What this took comes seldom: the pages of code are given back, as after the start.
      releaseFilePages();
    });
    this.#specs.soon(flush);
  }

  #askerOf(watcher: Watcher): string | null {
    const operation = watcher.queue.operations.find(({ state }) => state === 'running');
    return operation?.by ?? this.#context.askerOf(watcher.name) ?? null;
  }
}
