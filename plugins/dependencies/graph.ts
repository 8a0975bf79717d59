/** Watchers and what they come after, as a whole: what is wrong with it, and the order that follows from it. */
import type { Edges, WatcherSpec } from '#core';
import { groupsOf, wayBack } from '../circles.js';
import type { Flaw } from '../flaw.js';
import { didYouMean } from '../nearest.js';
import { conditions, settingsOf, type Need } from './settings.js';

const isEnd = ({ condition }: Need) => condition === 'completed' || condition === 'completed_ok';

/** A graph of watchers; it is looked at once, and is not told of changes. */
export class Graph {
  readonly #specs: ReadonlyMap<string, WatcherSpec>;
  /** Watchers that stand in a circle, with one way round. */
  #circles: ReadonlyMap<WatcherSpec, readonly WatcherSpec[]> | undefined;

  constructor(specs: readonly WatcherSpec[]) {
    this.#specs = new Map(specs.map((spec) => [spec.name.toLowerCase(), spec]));
  }

  /** What is wrong with what a watcher of it names. */
  flawsOf(spec: WatcherSpec): readonly Flaw[] {
    const { needs, flaws } = settingsOf(spec);
    const unfit = needs.flatMap((need) => {
      const message = need.outside ? undefined : this.#objection(need);
      return message === undefined ? [] : { key: need.kind, message };
    });
    return [...flaws, ...unfit, ...this.#circleOf(spec)];
  }

  /** Whom each watcher comes after, by name; with `but`, without the entries that it is true for. */
  edges(but: (need: Need) => boolean = () => false): Edges {
    // Many wait for the same, and going along the edges is fast where that is one list.
    const lists = new Map<string, readonly string[]>();
    return new Map(
      [...this.#specs.values()].map((spec) => {
        const before = settingsOf(spec).needs.flatMap((need) => (but(need) ? [] : (this.#find(need)?.name ?? [])));
        const list = [...new Set(before)].sort();
        const key = JSON.stringify(list);
        lists.set(key, lists.get(key) ?? list);
        return [spec.name, lists.get(key)!];
      }),
    );
  }

  #find({ on, outside }: Need): WatcherSpec | undefined {
    return outside ? undefined : this.#specs.get(on.toLowerCase());
  }

  #objection(need: Need): string | undefined {
    const found = this.#find(need);
    if (!found) {
      const names = [...this.#specs.values()].map(({ name }) => name);
      const what = need.follows ? 'neither a watcher nor a condition' : 'no watcher';
      return `names "${need.on}", which is ${what}${didYouMean(need.on, [...(need.follows ? conditions : []), ...names])}`;
    }
    if (isEnd(need) && found.respawn && found.options['no_restart_exit_codes'] == null)
      return `waits for "${found.name}" to complete, and a process that ends there is replaced: it needs respawn = False or no_restart_exit_codes`;
    return undefined;
  }

  #circleOf(spec: WatcherSpec): readonly Flaw[] {
    this.#circles ??= this.#findCircles();
    const circle = this.#circles.get(spec);
    if (!circle) return [];
    const [, second = spec] = circle;
    const key = settingsOf(spec).needs.find((need) => this.#find(need) === second)!.kind;
    return [{ key, message: `has it wait for itself: ${[...circle, spec].map(({ name }) => name).join(' -> ')}` }];
  }

  #findCircles(): ReadonlyMap<WatcherSpec, readonly WatcherSpec[]> {
    const next = (spec: WatcherSpec) => settingsOf(spec).needs.flatMap((need) => this.#find(need) ?? []);
    const circles = new Map<WatcherSpec, readonly WatcherSpec[]>();
    for (const group of groupsOf([...this.#specs.values()], next)) {
      if (group.length === 1 && !next(group[0]!).includes(group[0]!)) continue;
      for (const spec of group) circles.set(spec, [spec, ...wayBack(spec, next)]);
    }
    return circles;
  }
}
