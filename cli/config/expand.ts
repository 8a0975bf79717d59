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
  return lookupInMap(new Map(Object.entries(variables)));
}

/** The same in a map. */
export function lookupInMap(variables: ReadonlyMap<string, string | undefined>): Lookup {
  const values = new Map<string, string>();
  for (const [name, value] of variables) if (value !== undefined) values.set(name.toLowerCase(), value);
  return (name, exact) => (exact ? variables.get(name) : values.get(name));
}

/** A lookup in variables that lie upon others. */
export function over(above: ReadonlyMap<string, string>, below: Lookup): Lookup {
  if (above.size === 0) return below;
  const lookup = lookupInMap(above);
  return (name, exact) => lookup(name, exact) ?? below(name, exact);
}
