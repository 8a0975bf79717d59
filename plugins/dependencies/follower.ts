/** Who waits for whom while the daemon runs: holding back, waking, and telling why. */
import type { Arbiter, Process, Watcher } from '#core';
import { Lookout } from './lookout.js';
import { Renewals, type Hands } from './renewal.js';
import { settingsOf, type Need } from './settings.js';
import { isAwaited, isMet, whyNot } from './standing.js';

/** So many are looked at before others of the loop have their turn. */
const atOnce = 50;

/** What following takes. */
export interface Surroundings extends Hands {
  readonly closed: AbortSignal;
  /** Wraps what is called from outside of hooks. */
  readonly guard: (action: () => void) => () => void;
  /** What a process lacks to be ready, as a phrase, and since when by the wall clock, if somebody knows. */
  readonly objection: (process: Process) => { readonly how: string; readonly at: number } | undefined;
  /** Why there is no watcher of this name, where that is known. */
  readonly absence: (name: string) => string | undefined;
  /** Tells clients that a watcher waits, and for what. */
  readonly waits: (watcher: string, what: readonly string[]) => void;
}

/** An entry with the watcher that it names. */
export interface Link {
  readonly watcher: Watcher;
  readonly need: Need;
}

/** A list entry in words: `db: ready`, or an address. */
export const inWords = ({ on, condition, outside }: Need): string => (outside ? on : `${on}: ${condition}`);

/** Follows all watchers of an arbiter. */
export class Follower {
  readonly #arbiter: Arbiter;
  readonly #surroundings: Surroundings;
  readonly #lookout: Lookout;
  readonly #renewals: Renewals;
  /** By lower-case name, those that name it. */
  readonly #followers = new Map<string, Set<Watcher>>();
  /** By watcher, the lower-case names that it names. */
  readonly #named = new Map<Watcher, readonly string[]>();
  /** Those whose start was held back: they are woken. */
  readonly #held = new Set<Watcher>();
  /** Those to be looked at soon. */
  readonly #marked = new Set<Watcher>();
  #cancel: (() => void) | undefined;
  /** Those of which clients know that they wait. */
  readonly #told = new Set<Watcher>();
  /** Those whose turn in a start of several is to come: that starts them, and nothing wakes them. */
  readonly #expected = new Set<Watcher>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
    this.#arbiter = surroundings.arbiter;
    this.#lookout = new Lookout(this.#arbiter.clock, surroundings.closed, (watcher) => this.#mark(watcher));
    this.#renewals = new Renewals(surroundings);
  }

  /** Takes up a watcher, also one whose options have changed. */
  add(watcher: Watcher): void {
    this.#forget(watcher);
    const { needs } = settingsOf(watcher.spec);
    const names = needs.flatMap(({ on, outside }) => (outside ? [] : on.toLowerCase()));
    if (names.length > 0) this.#named.set(watcher, names);
    for (const name of names) {
      this.#followers.set(name, (this.#followers.get(name) ?? new Set()).add(watcher));
      this.#renewals.observe(name);
    }
    // It was held back before the plugin was loaded again, or by what it does not name any more.
    if (watcher.state === 'waiting' && (needs.length > 0 || this.#told.has(watcher))) this.#held.add(watcher);
    this.#mark(watcher);
    this.touch(watcher.name);
  }

  /** Leaves a watcher alone that was taken out. */
  remove(watcher: Watcher): void {
    this.#forget(watcher);
    this.#drop(watcher);
    this.touch(watcher.name);
  }

  /** Something about a watcher has changed. */
  touch(name: string): void {
    const followers = this.#followers.get(name.toLowerCase());
    if (followers) {
      this.#renewals.observe(name);
      for (const follower of followers) this.#mark(follower);
    }
    const own = this.#arbiter.find(name);
    if (own && this.#named.has(own)) this.#mark(own);
  }

  /** Its state is another one. */
  moved(watcher: Watcher): void {
    if (watcher.state !== 'waiting') this.#drop(watcher);
    this.touch(watcher.name);
  }

  /** Several are about to be started: those that can't be yet say what they wait for until their turn comes. */
  expect(): void {
    for (const watcher of this.#arbiter.watchers) {
      if (watcher.wanted !== 'up' || watcher.state !== 'stopped') continue;
      if (settingsOf(watcher.spec).needs.length === 0) continue;
      this.#expected.add(watcher);
      this.#mark(watcher);
    }
  }

  /** All processes of a watcher were replaced. */
  replaced(name: string): void {
    this.#renewals.replaced(name);
    this.touch(name);
  }

  /** Why nothing of a watcher may be spawned; empty when it may. What it waits for is looked out for from now on. */
  hold(watcher: Watcher): readonly string[] {
    const awaited = this.#awaited(watcher);
    for (const { outside } of awaited) if (outside) this.#lookout.await(watcher, outside);
    if (watcher.queue.operations.length > 0) this.#expected.delete(watcher);
    if (awaited.length > 0 && !this.#expected.has(watcher)) this.#held.add(watcher);
    else this.#held.delete(watcher);
    if (awaited.length === 0) return [];
    const words = awaited.map(inWords);
    if (!this.#told.has(watcher)) this.#surroundings.waits(watcher.name, words);
    this.#told.add(watcher);
    return [`waiting for ${words.join(', ')}`];
  }

  /** True when this is as it is needed, as far as is known just now. */
  isMet(need: Need): boolean {
    if (need.outside) return this.#lookout.isThere(need.outside);
    const found = this.#arbiter.find(need.on);
    return found !== undefined && isMet(found, need.condition);
  }

  /** What a watcher waits for now. */
  awaitedBy(watcher: Watcher): readonly Need[] {
    return watcher.state === 'waiting' ? this.#awaited(watcher) : [];
  }

  /** Why something is not as it is needed, with the time since when where that is known; for what is met, nothing. */
  why(need: Need): string {
    const { objection, absence } = this.#surroundings;
    const ago = (at: number) => `${Math.max(0, Math.round((this.#arbiter.clock.now() - at) / 1000))} s ago`;
    const dated = ({ how, at }: { readonly how: string; readonly at: number }) => {
      const short = how.replace(/takes no connection$/, 'refused');
      return `${short}${short === how ? ',' : ''} ${ago(at)}`;
    };
    if (need.outside) {
      const finding = this.#lookout.finding(need.outside);
      return finding ? dated(finding) : '';
    }
    const found = this.#arbiter.find(need.on);
    if (!found) return absence(need.on) ?? 'there is no such watcher';
    if (isMet(found, need.condition)) return '';
    return whyNot(found, need.condition, (process) => {
      const objected = objection(process);
      return objected && dated(objected);
    });
  }

  /** Who names a watcher, and how. */
  followersOf({ name }: Watcher): readonly Link[] {
    return [...(this.#followers.get(name.toLowerCase()) ?? [])].flatMap((watcher) =>
      settingsOf(watcher.spec).needs.flatMap((need) =>
        !need.outside && need.on.toLowerCase() === name.toLowerCase() ? { watcher, need } : [],
      ),
    );
  }

  /** Lets everything go: what was held back goes on, unless another instance of the plugin holds it back. */
  close(): void {
    this.#cancel?.();
    void this.#release([...this.#held]);
  }

  async #release(held: readonly Watcher[]): Promise<void> {
    await this.#arbiter.hooks.steady();
    for (const watcher of held) if (watcher.state === 'waiting') watcher.wake();
  }

  #awaited(watcher: Watcher): readonly Need[] {
    const { processes, state, spec } = watcher;
    // As long as something of it lives, it is left to itself.
    if (processes.some(({ stopping }) => !stopping)) return [];
    return settingsOf(spec).needs.filter((need) => {
      const { outside, kind } = need;
      if (!outside) return isAwaited(need, this.#arbiter.find(need.on));
      // It was there when the start began.
      if (state === 'starting' || this.#lookout.isThere(outside)) return false;
      return kind === 'requires' || !this.#lookout.isOverdue(watcher, outside);
    });
  }

  #forget(watcher: Watcher): void {
    for (const name of this.#named.get(watcher) ?? []) {
      const followers = this.#followers.get(name);
      followers?.delete(watcher);
      if (followers?.size === 0) this.#followers.delete(name);
    }
    this.#named.delete(watcher);
  }

  /** It waits for nothing any more. */
  #drop(watcher: Watcher): void {
    this.#held.delete(watcher);
    this.#expected.delete(watcher);
    this.#told.delete(watcher);
    this.#lookout.release(watcher);
  }

  /** Looked at a moment later, and once for all that happens until then: what is told is not through yet. */
  #mark(watcher: Watcher): void {
    this.#marked.add(watcher);
    this.#schedule();
  }

  #schedule(): void {
    const { guard } = this.#surroundings;
    this.#cancel ??= this.#arbiter.clock.after(
      0,
      guard(() => this.#look()),
    );
  }

  #look(): void {
    this.#cancel = undefined;
    const some = [...this.#marked].slice(0, atOnce);
    for (const watcher of some) {
      this.#marked.delete(watcher);
      if (this.#arbiter.stopping || this.#arbiter.find(watcher.name) !== watcher) continue;
      this.#wake(watcher);
      this.#renewals.answer(watcher);
    }
    if (this.#marked.size > 0) this.#schedule();
  }

  #wake(watcher: Watcher): void {
    const { state, wanted } = watcher;
    if (wanted !== 'up' || (state !== 'waiting' && !(state === 'stopped' && this.#expected.has(watcher)))) return;
    // What it says that it waits for may be less by now, or more.
    if (this.#awaited(watcher).length > 0) return void watcher.held();
    if (this.#held.delete(watcher)) watcher.wake();
  }
}
