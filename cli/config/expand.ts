/** Variables in a configuration: `$(circus.env.X)`, and where their values are looked up. */
import { expand } from '#core';

/** An environment as `process.env` has it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Answers the value of a variable by its lower-case name; with `exact`, by the name as it is. */
export type Lookup = (name: string, exact?: true) => string | undefined;

/** How many letters one value may get from its variables. */
export const longestFilling = 2 ** 20;

/** The room that is left in a value: variables that hold one another twice each grow without end. */
export class Room {
  #left: number;

  constructor(letters = longestFilling) {
    this.#left = letters;
  }

  /** True when there was not enough. */
  get exceeded(): boolean {
    return this.#left < 0;
  }

  /** What a value gets of a text: all of it, or nothing more. */
  take(text: string | undefined): string | undefined {
    if (text !== undefined) this.#left -= text.length;
    return text !== undefined && this.#left < 0 ? '' : text;
  }
}

/** Fills in `$(circus.env.X)` and `((circus.env.X))`; X matches without regard to case, all else stays as it is. */
export function withEnvironment(text: string, lookup: Lookup): string {
  return expand(text, (name) => (name.startsWith('env.') ? lookup(name.slice(4)) : undefined));
}

/** A lookup in an environment; of names that differ by case only the last one counts. */
export function lookupIn(variables: Variables): Lookup {
  return lookup(new Map(Object.entries(variables)), (value) => value);
}

/** A lookup in variables that lie upon others. */
export function over(above: ReadonlyMap<string, { readonly value: string }>, below: Lookup): Lookup {
  if (above.size === 0) return below;
  const own = lookup(above, ({ value }) => value);
  return (name, exact) => own(name, exact) ?? below(name, exact);
}

/** Most environments are never looked into, so lower-case names are made at the first question. */
function lookup<Item>(variables: ReadonlyMap<string, Item>, valueOf: (item: Item) => string | undefined): Lookup {
  let lower: Map<string, string> | undefined;
  return (name, exact) => {
    if (exact) {
      const item = variables.get(name);
      return item === undefined ? undefined : valueOf(item);
    }
    lower ??= lowered(variables, valueOf);
    return lower.get(name);
  };
}

function lowered<Item>(
  variables: ReadonlyMap<string, Item>,
  valueOf: (item: Item) => string | undefined,
): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, item] of variables) {
    const value = valueOf(item);
    if (value !== undefined) values.set(name.toLowerCase(), value);
  }
  return values;
}
