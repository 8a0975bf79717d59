/** What happens to a watcher when one that it requires was away, or was replaced. */
import type { Arbiter, Log, Watcher } from '#core';
import { conditions, settingsOf, type Condition, type Need } from './settings.js';
import { isBusy, isMet } from './standing.js';

/** What is known of a watcher under one condition; times on the clock that never jumps, -Infinity for never. */
interface Standing {
  met: boolean;
  /** When it met the condition again after it had not. */
  backAt: number;
  /** When all its processes were replaced without its being away. */
  replacedAt: number;
}

/** What acting takes. */
export interface Hands {
  readonly arbiter: Arbiter;
  readonly log: Log;
  readonly by: string;
  /** Tells clients what is done with a watcher because of another one. */
  readonly publish: (watcher: string, facts: { readonly dependency: string; readonly action: string }) => void;
}

const keyOf = (name: string, condition: Condition) => `${name.toLowerCase()} ${condition}`;
const requirementsOf = (watcher: Watcher): readonly Need[] =>
  settingsOf(watcher.spec).needs.filter(({ kind, outside }) => kind === 'requires' && !outside);

/** Follows the watchers that are required, and acts on those that require them. */
export class Renewals {
  readonly #standings = new Map<string, Standing>();
  /** Until when each watcher had what it takes: one renewal is answered once, whatever comes of it. */
  readonly #answered = new WeakMap<Watcher, number>();
  readonly #hands: Hands;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /** Something about a watcher has changed: to be called at once, as it may soon be as it was. */
  observe(name: string): void {
    const watcher = this.#hands.arbiter.find(name);
    for (const condition of conditions) {
      const met = watcher !== undefined && isMet(watcher, condition);
      const key = keyOf(name, condition);
      const standing = this.#standings.get(key);
      if (!standing) this.#standings.set(key, { met, backAt: -Infinity, replacedAt: -Infinity });
      else if (standing.met !== met) {
        standing.met = met;
        if (met) standing.backAt = this.#now;
      }
    }
  }

  /** All processes of a watcher were replaced. */
  replaced(name: string): void {
    for (const condition of conditions) {
      const standing = this.#standings.get(keyOf(name, condition));
      if (standing) standing.replacedAt = this.#now;
    }
  }

  /** Does with a watcher what it says, if something that it requires gives reason to. */
  answer(watcher: Watcher): void {
    const { policy } = settingsOf(watcher.spec);
    if (policy === 'ignore' || watcher.wanted !== 'up' || isBusy(watcher)) return;
    const needs = requirementsOf(watcher);
    const away = needs.find((need) => !this.#standingOf(need)?.met);
    if (policy === 'stop') {
      const cause = away ?? this.#renewed(watcher, needs, ({ backAt }) => backAt);
      if (!cause || watcher.processes.every(({ stopping }) => stopping)) return;
      return this.#act(watcher, cause, 'stop', 'it stops until that is there');
    }
    // One after the other, when all are there: with a reload of all, it has its own turn.
    if (away || needs.some(({ on }) => isBusy(this.#hands.arbiter.get(on)))) return;
    const cause = this.#renewed(watcher, needs, ({ backAt, replacedAt }) => Math.max(backAt, replacedAt));
    if (cause) this.#act(watcher, cause, 'restart', 'its processes are replaced');
  }

  get #now(): number {
    return this.#hands.arbiter.clock.monotonic();
  }

  #standingOf({ on, condition }: Need): Standing | undefined {
    return this.#standings.get(keyOf(on, condition));
  }

  /** What has come since the oldest process of the watcher was started, and was not answered yet. */
  #renewed(watcher: Watcher, needs: readonly Need[], time: (standing: Standing) => number): Need | undefined {
    const answered = this.#answered.get(watcher) ?? -Infinity;
    const begun = Math.min(...watcher.processes.flatMap(({ begun, stopping }) => (stopping ? [] : begun)));
    return needs.find((need) => {
      const at = time(this.#standingOf(need)!);
      return at > answered && at > begun;
    });
  }

  #act(watcher: Watcher, { on }: Need, action: 'restart' | 'stop', effect: string): void {
    const { arbiter, log, by, publish } = this.#hands;
    this.#answered.set(watcher, this.#now);
    log.info(`${watcher.name}: ${on} was away or replaced: ${effect}`);
    publish(watcher.name, { dependency: on, action });
    if (action === 'restart') arbiter.reload(watcher, { by });
    else watcher.restart(by);
  }
}
