/** What operators decided about watchers, and who, when and why: kept over restarts of the daemon. */
import * as v from 'valibot';
import type { StateFolder } from './state-folder.js';

const file = 'intent.json';

const disabled = v.object({
  name: v.string(),
  by: v.string(),
  /** Wall time, in ms. */
  at: v.number(),
  reason: v.nullable(v.string()),
  /** Whether it was to run when it was disabled. */
  up: v.boolean(),
  /** The run of the daemon in which that was. */
  boot: v.string(),
});
const rolledBack = v.object({
  name: v.string(),
  by: v.string(),
  at: v.number(),
  keys: v.array(v.string()),
  /** What was taken back. */
  hash: v.string(),
});
const content = v.object({
  version: v.literal(1),
  disabled: v.array(disabled),
  rolled_back: v.array(rolledBack),
});

/** That a watcher was taken out of service. */
export type Disabled = v.InferOutput<typeof disabled>;
/** That a watcher was given its last good spec again. */
export type RolledBack = v.InferOutput<typeof rolledBack>;
/** What can be decided. */
interface Kinds {
  readonly disabled: Disabled;
  readonly rolled_back: RolledBack;
}

const byName = <T extends { readonly name: string }>(all: readonly T[]) =>
  new Map(all.map((one) => [one.name.toLowerCase(), one]));

/** The decisions, by the names of watchers in any case. */
export class Decisions {
  readonly #folder: StateFolder;
  readonly #all: { readonly [K in keyof Kinds]: Map<string, Kinds[K]> };

  constructor(folder: StateFolder) {
    this.#folder = folder;
    const { disabled = [], rolled_back = [] } = folder.read(file, (value) => v.parse(content, value)) ?? {};
    this.#all = { disabled: byName(disabled), rolled_back: byName(rolled_back) };
  }

  /** The one about a watcher; undefined when there is none. */
  about<K extends keyof Kinds>(kind: K, name: string): Kinds[K] | undefined {
    return this.#all[kind].get(name.toLowerCase());
  }

  /** Notes decisions; resolves when they are written, if they can be. */
  note<K extends keyof Kinds>(kind: K, ...decisions: readonly Kinds[K][]): Promise<void> {
    for (const one of decisions) this.#all[kind].set(one.name.toLowerCase(), one);
    return this.#write();
  }

  /** Has decisions not hold any more; resolves when that is written, if it can be. */
  async drop(kind: keyof Kinds, ...names: readonly string[]): Promise<void> {
    const dropped = names.filter((name) => this.#all[kind].delete(name.toLowerCase()));
    if (dropped.length > 0) await this.#write();
  }

  #write(): Promise<void> {
    const { disabled, rolled_back } = this.#all;
    return this.#folder.write(file, {
      version: 1,
      disabled: [...disabled.values()],
      rolled_back: [...rolled_back.values()],
    });
  }
}
