/** What operators decided about watchers, and who, when and why: kept over restarts of the daemon. */
import * as v from 'valibot';
import type { StateFolder } from './state-folder.js';

const file = 'intent.json';

const by = v.fallback(v.string(), 'somebody');
const at = v.fallback(v.number(), () => Date.now());

// All but the name has a stand-in: what is disabled stays so, however little of it can be understood.
const disabled = v.object({
  name: v.string(),
  by,
  /** Wall time, in ms. */
  at,
  reason: v.fallback(v.nullable(v.string()), null),
  /** Whether it was to run when it was disabled. */
  up: v.fallback(v.boolean(), false),
  /** The run of the daemon in which that was. */
  boot: v.fallback(v.string(), ''),
});
const rolledBack = v.object({
  name: v.string(),
  by,
  at,
  keys: v.fallback(v.array(v.string()), []),
  /** What was taken back. */
  hash: v.string(),
});
const version = 1;
const content = v.record(v.string(), v.unknown());

/** What can be understood of a file of whatever version; `tell` is told what can't. @throws Error when that is nothing */
function contentOf(value: unknown, tell: (flaw: string) => void) {
  const all = v.parse(content, value);
  const isNewer = Number(all['version']) > version;
  if (isNewer) tell('it is of a newer version: the next decision is written in the form of this one');
  else if (!Array.isArray(all['disabled'])) throw new Error('it has no list "disabled"');
  /** Those of a kind, one by one. */
  const listed = <T>(kind: keyof Kinds, schema: v.GenericSchema<unknown, T>): readonly T[] => {
    const list = all[kind];
    if (!Array.isArray(list)) {
      tell(`it has no list "${kind}": nothing of it holds`);
      return [];
    }
    return list.flatMap((one: unknown, at) => {
      const { success, output } = v.safeParse(schema, one);
      if (!success) tell(`entry ${at + 1} of "${kind}" can't be understood, and does not hold`);
      return success ? [output] : [];
    });
  };
  return { disabled: listed('disabled', disabled), rolled_back: listed('rolled_back', rolledBack) };
}

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
    const { disabled = [], rolled_back = [] } = folder.read(file, contentOf) ?? {};
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
      version,
      disabled: [...disabled.values()],
      rolled_back: [...rolled_back.values()],
    });
  }
}
