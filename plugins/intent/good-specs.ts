/** The last specs of each watcher with which it has run well, from the newest on: in a file, as they are seldom needed. */
import * as v from 'valibot';
import type { Clock, WatcherSpec } from '#core';
import { hashOf, keptSpec } from './kept-spec.js';
import type { StateFolder } from './state-folder.js';

const file = 'good-specs.json';
/** How many of each watcher. */
const most = 3;
/** Of so many watchers that are not there any more. */
const mostGone = 100;
/** What comes within this time, in ms, is written at once: at a start, all watchers are good within moments. */
const pause = 500;

const entry = v.object({
  hash: v.string(),
  spec: v.record(v.string(), v.unknown()),
  /** Wall time since when it is known to be good, in ms. */
  good: v.number(),
  /** When it was replaced by another one, and who asked for that, if that is known. */
  replaced: v.optional(v.object({ at: v.number(), by: v.nullable(v.string()) })),
});
const content = v.object({
  version: v.literal(1),
  watchers: v.array(v.object({ name: v.string(), specs: v.array(entry) })),
});

/** A spec that was good. */
export type GoodSpec = v.InferOutput<typeof entry>;
type Edit = (specs: readonly GoodSpec[]) => readonly GoodSpec[];

/** The file of them; what is to be written waits a moment for more. */
export class GoodSpecs {
  readonly #folder: StateFolder;
  readonly #clock: Clock;
  readonly #edits = new Map<string, Edit[]>();
  #cancel: (() => void) | undefined;

  constructor(folder: StateFolder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Those of a watcher, from the newest on. */
  of(name: string): readonly GoodSpec[] {
    return this.#edited(name, this.#read().get(name.toLowerCase()) ?? []);
  }

  /** Notes that a watcher runs well with this spec; false for one that can't be kept. `since` is when it was put in place. */
  add(spec: WatcherSpec, since: number): boolean {
    const kept = keptSpec(spec);
    if (!kept) return false;
    const hash = hashOf(spec);
    const good = this.#clock.now();
    this.#edit(spec.name, ([newest, ...older]) => {
      // What another run of the daemon had was replaced at the start of this one.
      const last = newest && { replaced: { at: since, by: null }, ...newest };
      const others = [...(last ? [last] : []), ...older].filter((one) => one.hash !== hash);
      return [{ hash, spec: kept, good: newest?.hash === hash ? newest.good : good }, ...others].slice(0, most);
    });
    return true;
  }

  /** Notes that a good spec was replaced. */
  replace(name: string, hash: string, by: string | null): void {
    const at = this.#clock.now();
    this.#edit(name, (specs) => specs.map((one) => (one.hash === hash ? { ...one, replaced: { at, by } } : one)));
  }

  /** Forgets a spec that turned out not to be good after all. */
  drop(name: string, hash: string): void {
    this.#edit(name, (specs) => specs.filter((one) => one.hash !== hash));
  }

  /** Writes what is to be written; `known` tells the watchers that there are. */
  async flush(known: (name: string) => boolean): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#edits.size === 0) return;
    const all = this.#read();
    for (const name of this.#edits.keys()) {
      const specs = this.#edited(name, all.get(name) ?? []);
      all.delete(name);
      if (specs.length > 0) all.set(name, specs);
    }
    this.#edits.clear();
    const gone = [...all.keys()].filter((name) => !known(name));
    for (const name of gone.slice(0, -mostGone)) all.delete(name);
    const watchers = [...all].map(([name, specs]) => ({ name, specs }));
    await this.#folder.write(file, { version: 1, watchers });
  }

  #read(): Map<string, readonly GoodSpec[]> {
    const { watchers = [] } = this.#folder.read(file, (value) => v.parse(content, value)) ?? {};
    return new Map(watchers.map(({ name, specs }) => [name, specs]));
  }

  #edited(name: string, specs: readonly GoodSpec[]): readonly GoodSpec[] {
    return (this.#edits.get(name.toLowerCase()) ?? []).reduce((all, edit) => edit(all), specs);
  }

  #edit(name: string, edit: Edit): void {
    const key = name.toLowerCase();
    this.#edits.set(key, [...(this.#edits.get(key) ?? []), edit]);
  }

  /** Has what waits written in a moment. */
  soon(write: () => void): void {
    this.#cancel ??= this.#clock.after(pause, write);
  }
}
