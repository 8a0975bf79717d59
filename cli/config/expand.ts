/** Variables in a configuration: `$(circus.env.X)`, and where their values are looked up. */
import { expand } from '#core';

/** An environment as `process.env` has it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Answers the value of a variable by its lower-case name; with `exact`, by the name as it is. */
export type Lookup = (name: string, exact?: true) => string | undefined;

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
