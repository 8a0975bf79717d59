/** From the text of configuration files to what a daemon is made of: watchers, sockets, plugins, and its own options. */
import { socketSpec, type SocketSpec, type WatcherSpec } from '#core';
import { environmentsOf } from './environment.js';
import type { Variables } from './expand.js';
import { rejectGroups, warnOfEndpoints } from './groups.js';
import { finished, rejectDoubled, rejectDoubledAddresses, rejectUnknown } from './judge.js';
import { fillIn, nameIn, reporterFor, takeOptions, type Building, type Fillings, type KnownKeys } from './options.js';
import type { Place, Problem } from './problem.js';
import { readFiles } from './read.js';
import { anyWatcher, optionsOf, type Written, type WrittenSection } from './sections.js';
import { byCodePoint } from './text.js';
import { buildWatcher, isShell, type BuiltWatcher } from './watcher.js';

/** The section that something comes from, and where that begins. */
export interface Origin {
  readonly section: string;
  readonly file: string;
  readonly line: number;
}

/** The options of `[circus]` that were written, converted; times are in seconds. */
export interface CircusOptions {
  readonly check_delay?: number;
  readonly endpoint?: string;
  readonly endpoints?: 'circus' | 'unix';
  readonly endpoint_owner?: string;
  readonly insecure?: boolean;
  readonly curve?: boolean;
  readonly curve_key?: string;
  readonly authorized_keys?: string;
  readonly pubsub_endpoint?: string;
  readonly multicast_endpoint?: string;
  readonly statsd?: boolean;
  readonly stats_endpoint?: string;
  readonly httpd?: boolean;
  readonly httpd_host?: string;
  readonly httpd_port?: number;
  readonly persist?: boolean;
  readonly intent?: boolean;
  readonly state_dir?: string;
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
  readonly origins: Places;
}

/** One section of a kind that a third-party plugin owns, `[KIND:NAME]`. */
export interface ForeignSection {
  readonly kind: string;
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly origin: Origin;
  readonly origins: Places;
}

/** The places of options, by key. */
export type Places = Readonly<Record<string, Place>>;

/** A whole configuration; watchers, sockets and plugins are sorted by name, and those with errors are left out. */
export interface Configuration {
  readonly file: string;
  /** All files that were read. */
  readonly files: readonly string[];
  readonly circus: CircusOptions;
  /** Where the options of `[circus]` stand. */
  readonly circusPlaces: ReadonlyMap<string, Place>;
  readonly watchers: readonly (BuiltWatcher & { readonly spec: WatcherSpec; readonly origin: Origin })[];
  /** The watchers that an error leaves out, as far as they could be read. */
  readonly unfit: Configuration['watchers'];
  readonly sockets: readonly {
    readonly spec: SocketSpec;
    readonly origin: Origin;
    readonly places: ReadonlyMap<string, Place>;
  }[];
  readonly plugins: readonly PluginSection[];
  readonly sections: readonly ForeignSection[];
  readonly problems: readonly Problem[];
}

/** Reads a configuration file with all that it includes; never throws, what is wrong is in `problems`. */
export function readConfiguration(path: string, environment: Variables, known: KnownKeys = {}): Configuration {
  return buildConfiguration(readFiles(path, environment), environment, known);
}

/** Builds a configuration from the sections that were read. */
export function buildConfiguration(written: Written, environment: Variables, known: KnownKeys = {}): Configuration {
  const problems = [...written.problems];
  const building: Building = { written, known, problems, envFiles: new Map() };
  const environments = environmentsOf(written, environment, (problem) => problems.push(problem));
  const bare = written.sections.get('circus');
  const circusPlaces = optionsOf(written, 'circus');
  const shell = isShell(circusPlaces.get('expand')?.value, false);
  const shared = environments.shared(shell);
  const fillings: Fillings = { typed: shared, text: shared, shell };
  const { expand: _, ...circus } = bare ? takeOptions(building, 'circus', bare, fillings).values : {};
  const of = (kind: string): WrittenSection[] =>
    [...written.sections.values()].filter(
      ({ name }) => name.startsWith(`${kind}:`) && name !== anyWatcher && optionsOf(written, name).size > 0,
    );

  const sockets = of('socket').map((section) => ({ ...buildSocket(building, section, fillings), section }));
  rejectDoubled(building, 'socket', sockets);
  rejectDoubledAddresses(building, sockets);
  const lost = brokenIn(problems);
  const names = new Set(sockets.filter(({ section }) => !lost.has(section.name)).map(({ spec }) => spec.name));
  const uses = of('plugin').map(({ name }) => optionsOf(written, name).get('use')?.value);
  if (circus.httpd === true || uses.includes('httpd')) names.add('circushttpd');
  const lostNames = new Set(sockets.map(({ spec }) => spec.name).filter((name) => !names.has(name)));
  const around = { environments, sockets: names, lostSockets: lostNames, shell };
  const watchers = of('watcher').map((section) => ({ ...buildWatcher(building, section, around), section }));
  const plugins = of('plugin').map((section) => ({ spec: buildPlugin(building, section, fillings), section }));
  const sections = foreignSections(building, fillings);
  rejectDoubled(building, 'watcher', watchers);
  rejectUnknown(building);
  rejectGroups(building, watchers);
  warnOfEndpoints(building, watchers);

  const broken = brokenIn(problems);
  const chosen = <Built extends { spec: { name: string }; section: WrittenSection }>(
    all: readonly Built[],
    isBroken: boolean,
  ) =>
    all
      .filter(({ section }) => broken.has(section.name) === isBroken)
      .sort((one, other) => byCodePoint(one.spec.name, other.spec.name))
      .map(({ section, ...built }) => ({ ...built, origin: originOf(section) }));
  return {
    file: written.file,
    files: written.files,
    circus: { warmup_delay: 0, ...circus },
    circusPlaces,
    watchers: chosen(watchers, false),
    unfit: chosen(watchers, true),
    sockets: chosen(sockets, false),
    plugins: chosen(plugins, false).map(({ spec }) => spec),
    sections,
    problems: finished(problems, written.files),
  };
}

/** The sections that an error leaves out. */
function brokenIn(problems: readonly Problem[]): ReadonlySet<string | undefined> {
  return new Set(problems.filter(({ severity }) => severity === 'error').map(({ section }) => section));
}

function buildSocket(building: Building, section: WrittenSection, fillings: Fillings) {
  const { values, texts, written, report } = takeOptions(building, 'socket', section, fillings);
  const name = section.name.split('socket:').at(-1)!.toLowerCase();
  if (name === '') report('error', undefined, 'the section header has no name after "socket:"');
  const umask = texts.get('umask');
  if (umask !== undefined && /^\s*0\d+/.test(umask) && values.umask !== undefined) {
    const octal = Number(values.umask).toString(8);
    report('warning', 'umask', `"umask" of a socket is read as a decimal number, so ${umask} means octal ${octal}`);
  }
  const { mode, ...own } = values;
  const isUnix = Boolean(values.path);
  const why = isUnix ? 'because "path" makes this a Unix socket' : 'because only a Unix socket has a file';
  for (const key of isUnix ? ofAddresses : ofFiles)
    if (written.has(key)) report('warning', key, `"${key}" has no effect, ${why}`);
  if (!isUnix) {
    if (values.family === 'AF_UNIX') report('error', 'family', 'a Unix socket needs a "path"');
    return { spec: socketSpec({ ...own, path: null, owner: null, group: null, name }), places: written };
  }
  const length = Buffer.byteLength(String(values.path));
  if (length > longestPath)
    report('error', 'path', `"path" has ${length} bytes, and the system takes ${longestPath} for a socket`);
  if (mode !== undefined && umask !== undefined) report('warning', 'umask', '"umask" has no effect beside "mode"');
  const access = typeof mode === 'number' ? { umask: 0o777 & ~mode } : {};
  return {
    spec: socketSpec({ ...own, ...access, so_reuseport: false, interface: null, family: 'AF_UNIX', name }),
    places: written,
  };
}

/** Keys of sockets that say something about an address and a port, and about a file. */
const ofAddresses = ['host', 'port', 'so_reuseport', 'interface'];
const ofFiles = ['mode', 'owner', 'group'];
/** What the system has room for, in bytes. */
const longestPath = 107;

function buildPlugin(building: Building, section: WrittenSection, fillings: Fillings): PluginSection {
  const { values, texts, written, report } = takeOptions(building, 'plugin', section, fillings);
  const use = texts.get('use') ?? '';
  if (use === '') report('error', 'use', `[${section.name}] has no "use", which says what plugin it is about`);
  const own = [...texts].filter(([key]) => key !== 'use' && key !== 'priority');
  const origins = placesOf(written);
  const plugin = { name: nameIn(section), use, options: Object.fromEntries(own), origin: originOf(section), origins };
  return typeof values.priority === 'number' ? { ...plugin, priority: values.priority } : plugin;
}

function foreignSections(building: Building, { text, shell }: Fillings): ForeignSection[] {
  const { written, known } = building;
  const sections = [...written.sections.values()].map((section) => ({ section, kind: section.name.split(':')[0]! }));
  return sections
    .filter(({ kind }) => known.sections?.includes(kind))
    .map(({ section, kind }) => {
      const options = optionsOf(written, section.name);
      const report = reporterFor(building, section, options);
      const texts = [...options].map(([key, { value }]) => [key, fillIn(key, value, text, shell, report) ?? value]);
      const name = section.name.includes(':') ? nameIn(section) : '';
      return { kind, name, options: Object.fromEntries(texts), origin: originOf(section), origins: placesOf(options) };
    });
}

function placesOf(options: ReadonlyMap<string, Place>): Places {
  return Object.fromEntries([...options].map(([key, { file, line, column }]) => [key, { file, line, column }]));
}

function originOf({ name, file, line }: WrittenSection): Origin {
  return { section: name, file, line };
}
