/** The watches over all watchers that ask for one. */
import { isDeepStrictEqual } from 'node:util';
import type { Watcher } from '#core';
import type { Explanation } from '../controller/service.js';
import { explain } from './explain.js';
import type { Settings } from './options.js';
import { Watch, type Tools } from './watch.js';

/** Opens, changes and closes them. */
export class Watches {
  readonly #watches = new Map<Watcher, readonly Watch[]>();
  readonly #ask: (watcher: Watcher) => readonly Settings[];
  readonly #tools: Tools;

  /** `ask` tells how a watcher is to be looked after. */
  constructor(ask: (watcher: Watcher) => readonly Settings[], tools: Tools) {
    this.#ask = ask;
    this.#tools = tools;
  }

  /** Looks after a watcher as it asks for it now; what was found so far counts on where nothing of that was changed. */
  renew(watcher: Watcher): void {
    const before = this.#watches.get(watcher) ?? [];
    const wanted = this.#ask(watcher);
    const known = before.map(({ settings }) => settings);
    if (isDeepStrictEqual(wanted, known)) return;
    for (const watch of before) watch.close();
    const after = wanted.map((settings) => new Watch(watcher, settings, this.#tools));
    this.#watches.set(watcher, after);
    this.wake(watcher);
  }

  /** A process has come. */
  wake(watcher: Watcher): void {
    for (const watch of this.#watches.get(watcher) ?? []) watch.wake();
  }

  /** A watcher was taken out. */
  forget(watcher: Watcher): void {
    for (const watch of this.#watches.get(watcher) ?? []) watch.close();
    this.#watches.delete(watcher);
  }

  close(): void {
    for (const watcher of this.#watches.keys()) this.forget(watcher);
  }

  /** What there is to say about the processes of a watcher. */
  explain(watcher: Watcher): Explanation | undefined {
    const all = (this.#watches.get(watcher) ?? []).flatMap((watch) => explain(watcher, watch) ?? []);
    return all[0] && { ...all[0], text: all.flatMap(({ text }) => text) };
  }
}
