/** Variables in a configuration: `$(circus.env.X)`, and the environments that `[env]` sections make. */
import { expand, type Environment } from '#core';
import type { IniOption } from './ini.js';
import { matches } from './pattern.js';
import type { Problem } from './problem.js';
import { optionsOf, type Written } from './sections.js';
import { strip } from './text.js';

/** An environment as `process.env` has it. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Answers the value of a variable by its lower-case name. */
export type Lookup = (name: string) => string | undefined;

/** The environments of a configuration. */
export interface Environments {
  /** The daemon's environment under `[env]`: what every section may refer to. */
  readonly shared: Lookup;
  /** The environment of the watcher of this name; watchers with the same `[env:]` sections share it. */
  readonly of: (name: string) => WatcherEnvironment;
}

/** What a watcher may refer to, and the variables that it gets: without the daemon's environment, and with it. */
export interface WatcherEnvironment {
  readonly lookup: Lookup;
  readonly env: Environment;
  readonly copied: Environment;
}

/** Fills in `$(circus.env.X)` and `((circus.env.X))`; X matches without regard to case, all else stays as it is. */
export function withEnvironment(text: string, lookup: Lookup): string {
  return expand(text, (name) => (name.startsWith('env.') ? lookup(name.slice(4)) : undefined));
}

/** A lookup in an environment; of names that differ by case only the last one counts. */
export function lookupIn(variables: Variables): Lookup {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(variables)) if (value !== undefined) values.set(name.toLowerCase(), value);
  return (name) => values.get(name);
}

/**
 * Makes the environments of all watchers. Layers lie upon each other: the daemon's environment, `[env]`, then each
 * `[env:PATTERNS]` that names the watcher, in file order. A value may refer to its own layer and to those below, and by
 * its own name to the one below; values that refer to one another in a circle stay as written, which `report` hears.
 */
export function environmentsOf(written: Written, daemon: Variables, report: (problem: Problem) => void): Environments {
  const finish = (value: string): string =>
    strip(value.replace(/\$([A-Z][A-Z0-9_]*)/g, (_, name: string) => daemon[name] ?? ''));
  const told = new Set<string>();
  const layer = (section: string, below: Lookup): ReadonlyMap<string, string> =>
    expandLayer(section, variablesIn(written, section), below, finish, (problem) => {
      // A section is expanded once for each set of sections that it stands in, and would tell the same each time.
      const place = `${problem.file}:${problem.line}`;
      if (!told.has(place)) report(problem);
      told.add(place);
    });

  const own = Object.entries(daemon).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const inherited = new Map(own.map(([name, value]) => [strip(name), finish(value)]));
  const daemonLookup = lookupIn(daemon);
  const env = layer('env', daemonLookup);
  const shared = over(env, daemonLookup);

  const specific = [...written.sections.keys()]
    .filter((name) => name.startsWith('env:'))
    .map((section) => ({ section, patterns: section.slice('env:'.length).split(',').map(strip) }));
  const made = new Map<string, WatcherEnvironment>();
  return {
    shared,
    of: (name) => {
      const layers = specific.filter(({ patterns }) => patterns.some((pattern) => matches(name, pattern)));
      const key = layers.map(({ section }) => section).join('\n');
      let environment = made.get(key);
      if (environment === undefined) {
        let lookup = shared;
        const variables = new Map(env);
        for (const { section } of layers) {
          const values = layer(section, lookup);
          for (const [variable, value] of values) variables.set(variable, value);
          lookup = over(values, lookup);
        }
        const copied = Object.freeze(Object.fromEntries(new Map([...inherited, ...variables])));
        environment = { lookup, env: Object.freeze(Object.fromEntries(variables)), copied };
        made.set(key, environment);
      }
      return environment;
    },
  };
}

function variablesIn(written: Written, section: string): readonly IniOption[] {
  return [...optionsOf(written, section).values()].filter(({ key }) => key !== '__name__' && strip(key) !== '');
}

function over(values: ReadonlyMap<string, string>, below: Lookup): Lookup {
  if (values.size === 0) return below;
  const above = lookupIn(Object.fromEntries(values));
  return (name) => above(name) ?? below(name);
}

function expandLayer(
  section: string,
  variables: readonly IniOption[],
  below: Lookup,
  finish: (value: string) => string,
  report: (problem: Problem) => void,
): ReadonlyMap<string, string> {
  const byName = new Map(variables.map((option) => [nameOf(option), option]));
  const done = new Map<IniOption, string>();
  const valueOf = (option: IniOption): string => {
    const known = done.get(option);
    if (known !== undefined) return known;
    const circle = circleFrom(option, byName);
    if (circle) {
      const { key, file, line, column } = option;
      const through = circle.map((other) => `"${other.key}"`).join(', ');
      const message = `"${key}" stays as written, because it refers to itself through ${through}`;
      report({ severity: 'warning', file, line, column, section, key, message });
    }
    const lookup: Lookup = (name) => {
      const other = byName.get(name);
      return other === undefined || name === nameOf(option) ? below(name) : valueOf(other);
    };
    const value = finish(circle ? option.value : withEnvironment(option.value, lookup));
    done.set(option, value);
    return value;
  };
  return new Map(variables.map((option) => [strip(option.key), valueOf(option)]));
}

/** The other variables on a way from one back to it, or undefined. */
function circleFrom(start: IniOption, byName: ReadonlyMap<string, IniOption>): readonly IniOption[] | undefined {
  const seen = new Set<IniOption>();
  const search = (from: IniOption, way: readonly IniOption[]): readonly IniOption[] | undefined => {
    for (const name of referencesIn(from.value)) {
      const next = byName.get(name);
      if (next === undefined || name === nameOf(from)) continue;
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      const found = search(next, [...way, next]);
      if (found) return found;
    }
    return undefined;
  };
  return search(start, []);
}

function nameOf(option: IniOption): string {
  return strip(option.key).toLowerCase();
}

function referencesIn(text: string): string[] {
  const names: string[] = [];
  withEnvironment(text, (name) => {
    names.push(name);
    return undefined;
  });
  return names;
}
