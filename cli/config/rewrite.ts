/** Circus's switches in `[circus]`, its names of plugins, and keys that load a plugin, as the plugin sections that they mean: the one place for it. */
import type { WatcherSpec } from '#core';
import type { CircusOptions, Configuration, Origin, Places } from './build.js';
import type { Place, Problem } from './problem.js';

/** A plugin section, written or meant. */
export interface MeantPlugin {
  readonly name: string;
  readonly use: string;
  /** Circus's class, where the section names that. */
  readonly circusClass?: string;
  readonly options: Readonly<Record<string, string>>;
  readonly priority?: number;
  /** Undefined when nothing in the file says it: a default. */
  readonly origin: Origin | undefined;
  /** Where `use`, `priority` and the options are written, also as switches. */
  readonly places: Places;
}

/** What is known of plugins without importing them. */
export interface KnownPlugins {
  /** The first-party plugins that a watcher loads. */
  readonly loadedBy: (spec: WatcherSpec) => readonly string[];
  /** The options of one where no section is written. */
  readonly unwritten: (name: string) => Readonly<Record<string, string>>;
  /** True for a first-party plugin that this version has. */
  readonly has: (name: string) => boolean;
  /** True for one of which each section is a plugin by itself. */
  readonly many?: (name: string) => boolean;
}

/** An option of `[circus]` that is one of a plugin. */
interface Switch {
  readonly key: keyof CircusOptions;
  readonly plugin: string;
  /** The plugin's own name for it; undefined: it only loads the plugin. */
  readonly option?: string;
  /** When it loads the plugin: when it is true, or when it is written at all. */
  readonly loads?: 'true' | 'written';
}

/** The switches; one may stand here for several plugins. */
export const switches: readonly Switch[] = [
  { key: 'endpoint', plugin: 'controller', option: 'endpoint' },
  { key: 'pubsub_endpoint', plugin: 'controller', option: 'pubsub_endpoint' },
  { key: 'stats_endpoint', plugin: 'controller', option: 'stats_endpoint' },
  { key: 'multicast_endpoint', plugin: 'controller', option: 'multicast_endpoint' },
  { key: 'endpoints', plugin: 'controller', option: 'endpoints' },
  { key: 'endpoint_owner', plugin: 'controller', option: 'endpoint_owner' },
  { key: 'insecure', plugin: 'controller', option: 'insecure' },
  { key: 'curve', plugin: 'controller', option: 'curve' },
  { key: 'curve_key', plugin: 'controller', option: 'curve_key' },
  { key: 'authorized_keys', plugin: 'controller', option: 'authorized_keys' },
  { key: 'check_delay', plugin: 'controller', option: 'check_delay' },
  { key: 'state_dir', plugin: 'intent', option: 'state_dir' },
  { key: 'statsd', plugin: 'stats', loads: 'true' },
  { key: 'stats_endpoint', plugin: 'stats', option: 'endpoint', loads: 'written' },
  { key: 'httpd', plugin: 'httpd', loads: 'true' },
  { key: 'httpd_host', plugin: 'httpd', option: 'host' },
  { key: 'httpd_port', plugin: 'httpd', option: 'port' },
];

/** The first-party plugins that own sections `[KIND:NAME]`, which they get as options `KIND.NAME.KEY`. */
export const sectionOwners: Readonly<Record<string, string>> = { endpoint: 'controller' };

/** Plugins that are loaded unless `[circus]` switches them off. */
const unasked: Readonly<Record<string, (circus: CircusOptions) => boolean>> = {
  controller: ({ endpoint }) => endpoint !== '',
  intent: ({ intent }) => intent !== false,
  persist: ({ persist }) => persist !== false,
};

/** Circus's plugins, by the class that Circus loads. */
export const circusPlugins: Readonly<Record<string, string>> = {
  'circus.plugins.flapping.Flapping': 'flapping',
  'circus.plugins.statsd.StatsdEmitter': 'statsd',
  'circus.plugins._statsd.StatsdEmitter': 'statsd',
  'circus.plugins.statsd.FullStats': 'full-stats',
  'circus.plugins._statsd.FullStats': 'full-stats',
  'circus.plugins.redis_observer.RedisObserver': 'redis-observer',
  'circus.plugins.http_observer.HttpObserver': 'http-observer',
  'circus.plugins.resource_watcher.ResourceWatcher': 'resource-watcher',
  'circus.plugins.watchdog.WatchDog': 'watchdog',
  'circus.plugins.command_reloader.CommandReloader': 'command-reloader',
};

/** Our name of a plugin that Circus has too; any other name as it is. */
export function pluginNamed(use: string): string {
  const dotted = use.trim().replace(':', '.');
  return Object.hasOwn(circusPlugins, dotted) ? circusPlugins[dotted]! : use;
}

/** The plugins that a configuration means: defaults, switches and keys first, then the sections that are written. */
export function meantPlugins(configuration: Configuration, known: KnownPlugins): readonly MeantPlugin[] {
  const { circus, plugins, watchers } = configuration;
  const written = plugins
    .filter(({ use }) => isBuilt(use, known))
    .map((section) => withSwitches(configuration, section));
  const taken = new Set(written.flatMap(({ name, use }) => (known.many?.(use) ? [name] : [name, use])));
  const meant: MeantPlugin[] = [];
  const add = (name: string, origin: Origin | undefined): void => {
    if (taken.has(name) || !known.has(name)) return;
    taken.add(name);
    const { options, places } = switched(configuration, name);
    meant.push({ name, use: name, options: { ...known.unwritten(name), ...options }, places, origin });
  };
  for (const [name, isOn] of Object.entries(unasked)) if (isOn(circus)) add(name, undefined);
  for (const { key, plugin, loads } of switches) {
    const value = circus[key];
    if ((loads === 'written' && value !== undefined) || (loads === 'true' && value === true)) {
      add(plugin, originOf(configuration.circusPlaces.get(key)));
    }
  }
  // What is there unless it is switched off stays off then.
  for (const { spec, origin } of watchers)
    for (const name of known.loadedBy(spec)) if (!Object.hasOwn(unasked, name)) add(name, origin);
  return [...meant, ...written];
}

/** A warning for each section of a plugin of Circus that this version does not have yet; `why` not even Circus's own runs. */
export function unbuiltPlugins(
  { plugins }: Pick<Configuration, 'plugins'>,
  known: KnownPlugins,
  why?: string,
): readonly Problem[] {
  return plugins
    .filter(({ use }) => !isBuilt(use, known))
    .map(({ name, use, origins, origin }) => {
      const place = origins.use ?? { ...origin, column: 1 };
      const section = `plugin:${name}`;
      const message = `this version has no plugin "${pluginNamed(use)}" yet, which "${use}" is in Circus${why === undefined ? '' : `, and as a Python class ${why}`}; [${section}] is left out`;
      return { severity: 'warning', ...place, section, key: 'use', message };
    });
}

/** The keys of `[circus]` that are said by the sections of these plugins. */
export function movedKeys(plugins: readonly MeantPlugin[]): readonly string[] {
  const uses = new Set(plugins.map(({ use }) => use));
  return switches.filter(({ plugin }) => uses.has(plugin)).map(({ key }) => key);
}

function isBuilt(use: string, { has }: KnownPlugins): boolean {
  const name = pluginNamed(use);
  return name === use || has(name);
}

/** A section as written, under our name, over what the switches say. */
function withSwitches(configuration: Configuration, section: Configuration['plugins'][number]): MeantPlugin {
  const { name, options, priority, origin, origins } = section;
  const use = pluginNamed(section.use);
  const said = switched(configuration, use);
  return {
    name,
    use,
    ...(use === section.use ? {} : { circusClass: section.use.trim() }),
    options: { ...said.options, ...options },
    ...(priority === undefined ? {} : { priority }),
    origin,
    places: { ...said.places, ...origins },
  };
}

/** What the switches, and the sections that it owns, say to a plugin. */
function switched(
  { circus, circusPlaces, sections }: Configuration,
  plugin: string,
): Pick<MeantPlugin, 'options' | 'places'> {
  const options: Record<string, string> = {};
  const places: Record<string, Place> = {};
  const add = (option: string, value: string, place: Place | undefined) => {
    options[option] = value;
    if (place) places[option] = { file: place.file, line: place.line, column: place.column };
  };
  for (const { key, plugin: owner, option } of switches) {
    const value = circus[key];
    if (owner === plugin && option !== undefined && value !== undefined)
      add(option, String(value), circusPlaces.get(key));
  }
  for (const { kind, name, options: own, origins } of sections) {
    if (sectionOwners[kind] !== plugin) continue;
    for (const [key, value] of Object.entries(own)) add(`${kind}.${name}.${key}`, value, origins[key]);
  }
  return { options, places };
}

function originOf(place: Place | undefined): Origin | undefined {
  return place && { section: 'circus', file: place.file, line: place.line };
}
