/** From the text of configuration files to what a daemon is made of: watchers, sockets, plugins, and its own options. */
import { socketSpec, type SocketSpec, type WatcherSpec } from '#core';
import { environmentsOf, withEnvironment, type Lookup, type Variables } from './expand.js';
import { nameIn, takeOptions, type Building, type KnownKeys } from './options.js';
import { nearest, type Place, type Problem } from './problem.js';
import { readFiles } from './read.js';
import { optionsOf, type Written, type WrittenSection } from './sections.js';
import { byCodePoint } from './text.js';
import { buildWatcher } from './watcher.js';

/** Where a section begins. */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** The options of `[circus]` that were written, converted; times are in seconds. */
export interface CircusOptions {
  readonly check_delay?: number;
  readonly endpoint?: string;
  readonly endpoint_owner?: string;
  readonly pubsub_endpoint?: string;
  readonly multicast_endpoint?: string;
  readonly statsd?: boolean;
  readonly stats_endpoint?: string;
  readonly httpd?: boolean;
  readonly httpd_host?: string;
  readonly httpd_port?: number;
  readonly persist?: boolean;
  readonly warmup_delay: number;
  readonly umask?: number;
  readonly pidfile?: string;
  readonly loglevel?: string;
  readonly logoutput?: string;
  readonly debug?: boolean;
}

/** One `[plugin:NAME]`: the plugin, and its own options as text, each with the place where it is written. */
export interface PluginSection {
  readonly name: string;
  readonly use: string;
  readonly options: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly origin: Origin;
  readonly origins: Readonly<Record<string, Place>>;
}

/** One section of a kind that a third-party plugin owns, `[KIND:NAME]`. */
export interface ForeignSection {
  readonly kind: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly origin: Origin;
}

/** A whole configuration; watchers, sockets and plugins are sorted by name, and those with errors are left out. */
export interface Configuration {
  readonly file: string;
  /** All files that were read. */
  readonly files: readonly string[];
  readonly circus: CircusOptions;
  readonly watchers: readonly { readonly spec: WatcherSpec; readonly origin: Origin }[];
  readonly sockets: readonly { readonly spec: SocketSpec; readonly origin: Origin }[];
  readonly plugins: readonly PluginSection[];
  readonly sections: readonly ForeignSection[];
  readonly problems: readonly Problem[];
}

const kinds = ['circus', 'env', 'watcher', 'socket', 'plugin'];

/** Reads a configuration file with all that it includes; never throws, what is wrong is in `problems`. */
export function readConfiguration(path: string, environment: Variables, known: KnownKeys = {}): Configuration {
  return buildConfiguration(readFiles(path, environment), environment, known);
}

/** Builds a configuration from the sections that were read. */
export function buildConfiguration(written: Written, environment: Variables, known: KnownKeys = {}): Configuration {
  const problems = [...written.problems];
  const building: Building = { written, known, problems };
  const environments = environmentsOf(written, environment, (problem) => problems.push(problem));
  const { shared } = environments;
  const bare = written.sections.get('circus');
  const circus = bare ? takeOptions(building, 'circus', bare, shared, shared).values : {};
  const of = (kind: string): WrittenSection[] =>
    [...written.sections.values()].filter(
      ({ name }) => name.startsWith(`${kind}:`) && optionsOf(written, name).size > 0,
    );

  const sockets = of('socket').map((section) => ({ spec: buildSocket(building, section, shared), section }));
  const names = new Set(sockets.map(({ spec }) => spec.name));
  if (circus.httpd === true) names.add('circushttpd');
  const watchers = of('watcher').map((section) => ({
    spec: buildWatcher(building, section, environments, names),
    section,
  }));
  const plugins = of('plugin').map((section) => ({ spec: buildPlugin(building, section, shared), section }));
  rejectDoubled(building, 'watcher', watchers);
  rejectDoubled(building, 'socket', sockets);
  rejectUnknown(building);

  const broken = new Set(problems.filter((problem) => problem.severity === 'error').map((problem) => problem.section));
  const sound = <Spec extends { name: string }>(all: readonly { spec: Spec; section: WrittenSection }[]) =>
    all
      .filter(({ section }) => !broken.has(section.name))
      .sort((one, other) => byCodePoint(one.spec.name, other.spec.name))
      .map(({ spec, section }) => ({ spec, origin: originOf(section) }));
  return {
    file: written.file,
    files: written.files,
    circus: { warmup_delay: 0, ...circus },
    watchers: sound(watchers),
    sockets: sound(sockets),
    plugins: sound(plugins).map(({ spec }) => spec),
    sections: foreignSections(building, shared),
    problems: problems.map(withFate).sort(byPlace(written.files)),
  };
}

function buildSocket(building: Building, section: WrittenSection, shared: Lookup): SocketSpec {
  const { values, texts, written, report } = takeOptions(building, 'socket', section, shared, shared);
  const name = section.name.split('socket:').at(-1)!.toLowerCase();
  if (name === '') report('error', undefined, 'the section header has no name after "socket:"');
  const umask = texts.get('umask');
  if (umask !== undefined && /^\s*0\d+/.test(umask) && values.umask !== undefined) {
    const octal = Number(values.umask).toString(8);
    report('warning', 'umask', `"umask" of a socket is read as a decimal number, so ${umask} means octal ${octal}`);
  }
  if (!values.path) return socketSpec({ ...values, path: null, name });
  for (const key of ['host', 'port']) {
    if (written.has(key)) report('warning', key, `"${key}" has no effect, because "path" makes this a Unix socket`);
  }
  return socketSpec({ ...values, family: 'AF_UNIX', name });
}

function buildPlugin(building: Building, section: WrittenSection, shared: Lookup): PluginSection {
  const { values, texts, written, report } = takeOptions(building, 'plugin', section, shared, shared);
  const use = texts.get('use') ?? '';
  if (use === '') report('error', 'use', `[${section.name}] has no "use", which says what plugin it is about`);
  const own = [...texts].filter(([key]) => key !== 'use' && key !== 'priority');
  const places = [...written].map(([key, { file, line, column }]) => [key, { file, line, column }] as const);
  const plugin = { name: nameIn(section), use, options: Object.fromEntries(own), origin: originOf(section) };
  const priority = typeof values.priority === 'number' ? { priority: values.priority } : {};
  return { ...plugin, ...priority, origins: Object.fromEntries(places) };
}

/** Names that differ by case only would be one name to the controller. */
function rejectDoubled(
  { problems }: Building,
  kind: string,
  all: readonly { readonly spec: { readonly name: string }; readonly section: WrittenSection }[],
): void {
  const seen = new Map<string, WrittenSection>();
  for (const { spec, section } of all) {
    const first = seen.get(spec.name.toLowerCase());
    if (first === undefined) seen.set(spec.name.toLowerCase(), section);
    else {
      const message = `${kind} "${spec.name}" has the same name as [${first.name}] (${first.file}:${first.line}); case does not count`;
      problems.push({ severity: 'error', ...originOf(section), column: 1, section: section.name, message });
    }
  }
}

function rejectUnknown({ written, known, problems }: Building): void {
  for (const section of written.sections.values()) {
    const [kind = '', ...rest] = section.name.split(':');
    const needsName = kind !== 'circus' && kind !== 'env';
    if (kinds.includes(kind) && (kind === 'env' || needsName === rest.length > 0)) continue;
    if (known.sections?.includes(kind)) continue;
    const meant = nearest(kind, [...kinds, ...(known.sections ?? [])]);
    const name = meant === 'circus' || (meant === 'env' && rest.length === 0) ? '' : `:${rest.join(':') || 'NAME'}`;
    const hint = meant === undefined ? '' : ` (did you mean [${meant}${name}]?)`;
    const message = `[${section.name}] is no kind of section that is known${hint} and is ignored`;
    problems.push({ severity: 'error', ...originOf(section), column: 1, section: section.name, message });
  }
}

function foreignSections({ written, known }: Building, shared: Lookup): ForeignSection[] {
  const sections = [...written.sections.values()].map((section) => ({ section, kind: section.name.split(':')[0]! }));
  return sections
    .filter(({ kind }) => known.sections?.includes(kind))
    .map(({ section, kind }) => {
      const options = [...optionsOf(written, section.name)].map(([key, { value }]) => [
        key,
        withEnvironment(value, shared),
      ]);
      return { kind, name: nameIn(section), options: Object.fromEntries(options), origin: originOf(section) };
    });
}

/** Adds what becomes of the section to the message of an error. */
function withFate(problem: Problem): Problem {
  const kind = /^(watcher|socket|plugin):/.exec(problem.section ?? '')?.[1];
  if (problem.severity !== 'error' || kind === undefined) return problem;
  return { ...problem, message: `${problem.message}; [${problem.section}] is left out` };
}

/** Orders problems as the files were read. */
function byPlace(files: readonly string[]): (one: Problem, other: Problem) => number {
  return (one, other) =>
    files.indexOf(one.file) - files.indexOf(other.file) || one.line - other.line || one.column - other.column;
}

function originOf({ file, line }: WrittenSection): Origin {
  return { file, line };
}
