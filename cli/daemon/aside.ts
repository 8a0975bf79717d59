/** What operators rolled back: the files say it still, and count for it again when they are applied the next time. */
import type { WatcherSpec } from '#core';
import type { Change } from '#plugins/controller/service.js';
import { withKeys } from '../config/partial.js';

/** One rollback, in words, and whether a spec is the one that it took back. */
interface Rollback {
  readonly what: string;
  readonly isBack: (spec: WatcherSpec) => boolean;
}

/** Keys of watchers, and what was rolled back, the last first. */
export class Aside {
  readonly #all = new Map<string, { readonly keys: readonly string[]; readonly rollbacks: readonly Rollback[] }>();

  /** Notes it; keys that were rolled back before are too. */
  put(watcher: string, keys: readonly string[], what: string, isBack: Rollback['isBack']): void {
    const before = this.#all.get(watcher.toLowerCase());
    this.#all.set(watcher.toLowerCase(), {
      keys: [...new Set([...(before?.keys ?? []), ...keys])],
      rollbacks: [{ what, isBack }, ...(before?.rollbacks ?? [])],
    });
  }

  /** A configured spec with what runs in place of what was rolled back. */
  over(spec: WatcherSpec, running: WatcherSpec): WatcherSpec {
    const aside = this.#all.get(spec.name.toLowerCase());
    return aside ? withKeys(spec, running, aside.keys) : spec;
  }

  /** Changes to these specs, each with what it brings back: a third version brings back nothing. */
  mark(changes: readonly Change[], specs: readonly WatcherSpec[]): readonly Change[] {
    return changes.map((change) => {
      const aside = change.kind === 'watcher' ? this.#all.get(change.name.toLowerCase()) : undefined;
      const spec = aside && specs.find(({ name }) => name.toLowerCase() === change.name.toLowerCase());
      const found = spec && aside.rollbacks.find(({ isBack }) => isBack(spec));
      return found ? { ...change, returns: found.what } : change;
    });
  }

  /** Forgets what was applied: all but what `failed` says. */
  clear(failed: (watcher: string) => boolean): void {
    for (const name of this.#all.keys()) if (!failed(name)) this.#all.delete(name);
  }
}
