/** What operators rolled back: the files say it still, and count for it again when they are applied the next time. */
import type { WatcherSpec } from '#core';
import type { Change } from '#plugins/controller/service.js';
import { withKeys } from '../config/partial.js';

/** Keys of watchers, and in words what was rolled back. */
export class Aside {
  readonly #all = new Map<string, { readonly keys: readonly string[]; readonly what: string }>();

  /** Notes it; keys that were rolled back before are too. */
  put(watcher: string, keys: readonly string[], what: string): void {
    const before = this.#all.get(watcher.toLowerCase())?.keys ?? [];
    this.#all.set(watcher.toLowerCase(), { keys: [...new Set([...before, ...keys])], what });
  }

  /** A configured spec with what runs in place of what was rolled back. */
  over(spec: WatcherSpec, running: WatcherSpec): WatcherSpec {
    const aside = this.#all.get(spec.name.toLowerCase());
    return aside ? withKeys(spec, running, aside.keys) : spec;
  }

  /** Changes, each with what it brings back. */
  mark(changes: readonly Change[]): readonly Change[] {
    return changes.map((change) => {
      const aside = change.kind === 'watcher' ? this.#all.get(change.name.toLowerCase()) : undefined;
      const returns = aside && change.keys.some(({ key }) => aside.keys.includes(key));
      return returns ? { ...change, returns: aside.what } : change;
    });
  }

  /** Forgets what was applied: all but what `failed` says. */
  clear(failed: (watcher: string) => boolean): void {
    for (const name of this.#all.keys()) if (!failed(name)) this.#all.delete(name);
  }
}
