/** The environments of watchers: the daemon's, `[env]`, files of variables, `[env:PATTERNS]` and a watcher's own. */
import type { Environment } from '#core';
import { lookupIn, over, type Lookup, type Variables } from './expand.js';
import { fillLayer, finish, type Variable } from './layer.js';
import { hasWildcard, matches } from './pattern.js';
import type { Place, Problem } from './problem.js';
import { optionsOf, type Written } from './sections.js';
import { strip } from './text.js';

/** The environments of a configuration. */
export interface Environments {
  /** The daemon's environment under `[env]`: what every section may refer to; `[env]` as a shell would fill it, or as Circus. */
  readonly shared: (shell?: boolean) => Lookup;
  /** The environment of the watcher of this name; watchers with the same `[env:]` sections and nothing else share it. */
  readonly of: (name: string, own?: OwnVariables) => WatcherEnvironment;
}

/** What a watcher itself says about its environment. */
export interface OwnVariables {
  readonly section: string;
  readonly shell: boolean;
  /** Those of its files. */
  readonly files: readonly Variable[];
  readonly variables: readonly Variable[];
  /** Contents of secret files. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** What a watcher may refer to, and the variables that it gets. */
export interface WatcherEnvironment {
  readonly lookup: Lookup;
  /** The variables of the configuration without secrets, each at the place that it comes from. */
  readonly variables: ReadonlyMap<string, Place & { readonly value: string }>;
  readonly env: Environment;
  /** The same over the environment of the daemon. */
  readonly copied: () => Environment;
  /** Errors in the variables, which make the watcher unfit. */
  readonly failures: readonly Problem[];
}

interface Base {
  readonly values: ReadonlyMap<string, Variable>;
  readonly lookup: Lookup;
  readonly failures: readonly Problem[];
}

const nothing: OwnVariables = { section: '', shell: false, files: [], variables: [], secrets: new Map() };

/**
 * Makes the environments of all watchers. Layers lie upon each other: the daemon's environment, `[env]`, the files of
 * the watcher, each `[env:PATTERNS]` that names it, in file order, its own variables, and its secrets.
 */
export function environmentsOf(written: Written, daemon: Variables, report: (problem: Problem) => void): Environments {
  const told = new Set<string>();
  const tell = (problem: Problem): void => {
    // A layer is filled once for each set of layers that it stands in, and would tell the same each time.
    const place = `${problem.file}:${problem.line}:${problem.message}`;
    if (!told.has(place)) report(problem);
    told.add(place);
  };
  const fill = (
    section: string,
    variables: readonly Variable[],
    below: Lookup,
    shell: boolean,
    failures: Problem[],
    hidden?: Lookup,
  ): ReadonlyMap<string, Variable> => {
    const hear = (problem: Problem): void =>
      void (problem.severity === 'error' ? failures.push(problem) : tell(problem));
    return variables.length === 0
      ? new Map<string, Variable>()
      : fillLayer(variables, { section, below, hidden, shell, daemon, report: hear });
  };
  const daemonLookup = lookupIn(daemon);
  const bases = new Map<boolean, Base>();
  const baseFor = (shell: boolean, hidden?: Lookup): Base => {
    const known = hidden ? undefined : bases.get(shell);
    if (known) return known;
    const failures: Problem[] = [];
    const values = fill('env', variablesIn(written, 'env'), daemonLookup, shell, failures, hidden);
    const base = { values, lookup: over(values, daemonLookup), failures };
    if (!hidden) {
      bases.set(shell, base);
      failures.forEach(tell);
    }
    return base;
  };
  const sectionsFor = specificSections(written);
  const inherited = inheritedBy(daemon);
  const make = (sections: readonly string[], own: OwnVariables): WatcherEnvironment => {
    const hidden = own.secrets.size === 0 ? undefined : lookupIn(placeholders(own.secrets));
    const base = baseFor(own.shell, hidden);
    const failures = [...base.failures];
    const variables = new Map(base.values);
    let { lookup } = base;
    const add = (section: string, layer: readonly Variable[]): void => {
      const values = fill(section, layer, lookup, own.shell, failures, hidden);
      for (const [name, variable] of values) variables.set(name, variable);
      lookup = over(values, lookup);
    };
    add(own.section, own.files);
    for (const section of sections) add(section, variablesIn(written, section));
    add(own.section, own.variables);
    for (const name of own.secrets.keys()) variables.delete(name);
    const below = lookup;
    const texts = [...variables].map(([name, { value }]) => [name, value] as const);
    const env: Environment = Object.freeze(Object.fromEntries([...texts, ...own.secrets]));
    let copied: Environment | undefined;
    return {
      lookup: hidden ? (name, exact) => hidden(name, exact) ?? below(name, exact) : below,
      variables,
      env,
      copied: () => (copied ??= Object.freeze({ ...inherited(), ...env })),
      failures,
    };
  };

  const made = new Map<string, WatcherEnvironment>();
  return {
    shared: (shell = false) => baseFor(shell).lookup,
    of: (name, own = nothing) => {
      const sections = sectionsFor(name);
      if (own.files.length > 0 || own.variables.length > 0 || own.secrets.size > 0) return make(sections, own);
      const key = [own.shell ? 'shell' : '', ...sections].join('\n');
      const environment = made.get(key) ?? make(sections, { ...own, section: 'env' });
      made.set(key, environment);
      return environment;
    },
  };
}

/** Answers the `[env:PATTERNS]` sections of a watcher, in file order. */
function specificSections(written: Written): (name: string) => readonly string[] {
  const exact = new Map<string, number[]>();
  const wild: (readonly [number, string])[] = [];
  const sections = [...written.sections.keys()].filter((name) => name.startsWith('env:'));
  for (const [at, section] of sections.entries()) {
    for (const pattern of section.slice('env:'.length).split(',').map(strip)) {
      if (hasWildcard(pattern)) wild.push([at, pattern]);
      else exact.set(pattern, [...(exact.get(pattern) ?? []), at]);
    }
  }
  return (name) => {
    const found = wild.filter(([, pattern]) => matches(name, pattern)).map(([at]) => at);
    const all = new Set([...(exact.get(name) ?? []), ...found]);
    return [...all].sort((one, other) => one - other).map((at) => sections[at]!);
  };
}

/** The daemon's environment as Circus hands it on, worked out once. */
function inheritedBy(daemon: Variables): () => Environment {
  let inherited: Environment | undefined;
  return () =>
    (inherited ??= Object.fromEntries(
      Object.entries(daemon).flatMap(([name, value]) =>
        value === undefined ? [] : [[strip(name), strip(finish(value, (other) => daemon[other]))]],
      ),
    ));
}

function variablesIn(written: Written, section: string): readonly Variable[] {
  return [...optionsOf(written, section).values()].filter(({ key }) => key !== '__name__' && strip(key) !== '');
}

/** Secrets stand in other texts as variables, which are filled in when a process is started. */
function placeholders(secrets: ReadonlyMap<string, string>): Variables {
  return Object.fromEntries([...secrets.keys()].map((name) => [name, `$(circus.env.${name})`]));
}
