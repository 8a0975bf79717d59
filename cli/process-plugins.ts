/** Plugins in processes of their own: from a `[plugin:NAME]` section to the watcher `plugin:NAME` that runs it, as in Circus. */
import { resolve } from 'node:path';
import { quoteWord, type WatcherSpec } from '#core';
import { pathOf } from '#plugins/controller/endpoint.js';
import type { CircusOptions, Configuration, Origin, PluginSection } from './config/build.js';
import { environmentsOf } from './config/environment.js';
import type { Variables } from './config/expand.js';
import { finished, rejectDoubled } from './config/judge.js';
import type { Problem } from './config/problem.js';
import { pluginNamed, unbuiltPlugins, type KnownPlugins, type MeantPlugin } from './config/rewrite.js';
import { optionOf } from './config/schema.js';
import type { WrittenSection } from './config/sections.js';
import { buildWatcher, type BuiltWatcher } from './config/watcher.js';
import { keysLostIn, type PluginConfig } from './plugin-host/config-string.js';
import { isPythonName, nodeWords, pythonWords, type Wish, type Words } from './process-words.js';
import { firstParty } from './plugins.js';

/** What plugins are told of the daemon; it stays as it was at the daemon's start. */
export interface DaemonFacts {
  readonly endpoint: string;
  readonly pubsub: string;
  /** In seconds. */
  readonly checkDelay: number;
  readonly loglevel?: string | undefined;
  readonly logoutput?: string | undefined;
  /** Their output is the daemon's, and not dropped. */
  readonly debug: boolean;
}

/** A plugin with its watcher; that has no command before the daemon's addresses are known. */
export interface ProcessPlugin extends BuiltWatcher {
  readonly section: PluginSection;
  readonly origin: Origin;
}

const isOfWatchers = (key: string): boolean => optionOf('watcher', key) !== undefined;
const placeIn = ({ origin, origins }: PluginSection, key: string) => origins[key] ?? { ...origin, column: 1 };

function problemIn(section: PluginSection, severity: Problem['severity'], key: string, message: string): Problem {
  const { file, line, column } = placeIn(section, key);
  const fate = severity === 'error' ? `; [${section.origin.section}] is left out` : '';
  return { severity, file, line, column, section: section.origin.section, key, message: message + fate };
}

/** True for a section whose plugin does not run in the daemon. */
export function runsApart({ use, options }: PluginSection, folder: string): boolean {
  return options['isolate'] !== undefined || isPythonName(use, folder);
}

/** A section as `--show-config` prints it. */
export function shownSection({ origins: places, ...section }: PluginSection): MeantPlugin {
  return { ...section, places };
}

/** The watchers of these sections: Circus's defaults for plugins, and over them what the section says of watchers. */
export function buildProcessPlugins(
  configuration: Configuration,
  sections: readonly PluginSection[],
  environment: Variables,
  debug: boolean,
): { readonly built: readonly ProcessPlugin[]; readonly problems: readonly Problem[] } {
  const { file, files, watchers } = configuration;
  const closed = String(!debug);
  const defaults = {
    cmd: '-',
    singleton: 'true',
    copy_env: 'true',
    copy_path: 'true',
    priority: '1',
    close_child_stdout: closed,
    close_child_stderr: closed,
  };
  const problems: Problem[] = [];
  const written = { file, files, unread: [], defaults: new Map(), shared: [], problems: [] };
  const sockets = new Set(configuration.sockets.map(({ spec }) => spec.name));
  const all = sections.map((plugin) => {
    const { name, options, priority, origin } = plugin;
    const texts = { ...defaults, ...(priority !== undefined && { priority: String(priority) }), ...options };
    const own = Object.entries({ ...texts, name: origin.section }).filter(([key]) => isOfWatchers(key));
    const section: WrittenSection = {
      name: origin.section,
      file: origin.file,
      line: origin.line,
      options: new Map(own.map(([key, value]) => [key, { key, value, ...placeIn(plugin, key) }])),
    };
    const alone = { ...written, sections: new Map([[section.name, section]]) };
    const building = { written: alone, known: {}, problems, envFiles: new Map() };
    // Without [env]: as in Circus a plugin has the environment of the daemon.
    const environments = environmentsOf(alone, environment, (problem) => problems.push(problem));
    const around = { environments, sockets, lostSockets: new Set<string>(), shell: false };
    const { spec, ...places } = buildWatcher(building, section, around);
    const { name: _, isolate: _isolate, ...rest } = options;
    const free = Object.fromEntries(Object.entries(rest).filter(([key]) => !isOfWatchers(key)));
    return { ...places, spec: { ...spec, options: { ...free, ...spec.options } }, section, plugin, name };
  });
  rejectDoubled({ written: { ...written, sections: new Map() }, known: {}, problems, envFiles: new Map() }, 'watcher', [
    ...watchers.map(({ spec, origin }) => ({ spec, section: { ...origin, name: origin.section, options: new Map() } })),
    ...all,
  ]);
  const broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ section }) => section));
  return {
    built: all
      .filter(({ section }) => !broken.has(section.name))
      .map(({ spec, places, variables, plugin }) => ({
        ...{ spec, places, variables },
        ...{ section: plugin, origin: plugin.origin },
      })),
    problems: finished(problems, files),
  };
}

/** What the controller with these options will answer to; undefined without a controller, or when its options are wrong. */
export async function factsOf(
  controller: MeantPlugin | undefined,
  { loglevel, logoutput, debug = false }: CircusOptions,
): Promise<DaemonFacts | undefined> {
  if (!controller) return undefined;
  const { optionsSchema, settingsOf } = await import('#plugins/controller/options.js');
  const result = await optionsSchema['~standard'].validate(controller.options);
  if (result.issues) return undefined;
  const { endpoint, pubsub_endpoint: pubsub, check_delay: checkDelay } = settingsOf(result.value);
  return {
    endpoint: reachable(endpoint),
    pubsub: reachable(pubsub),
    checkDelay,
    loglevel: debug ? 'DEBUG' : loglevel,
    logoutput,
    debug,
  };
}

/** An address to listen on as one to connect to, from any folder. */
function reachable(address: string): string {
  const path = pathOf(address);
  if (path !== undefined) return `ipc://${resolve(path)}`;
  return address.replace(/^tcp:\/\/(?:\*|0\.0\.0\.0):/, 'tcp://127.0.0.1:').replace('//[::]:', '//[::1]:');
}

/** The plugins with their commands; what can't be run is told, and left out. */
export async function withCommands(
  built: readonly ProcessPlugin[],
  facts: DaemonFacts | undefined,
  folder: string,
  known: KnownPlugins,
): Promise<{ readonly ready: readonly ProcessPlugin[]; readonly problems: readonly Problem[] }> {
  const all = await Promise.all(
    built.map(async (plugin) => {
      const { section, spec } = plugin;
      const found = await wordsFor(plugin, facts, folder, known);
      if (!('words' in found)) return { ready: [], problems: found.problems };
      const cmd = section.options['cmd'] === undefined ? found.words.map(quoteWord).join(' ') : spec.cmd;
      return { ready: [{ ...plugin, spec: { ...spec, cmd } }], problems: found.problems };
    }),
  );
  return { ready: all.flatMap(({ ready }) => ready), problems: all.flatMap(({ problems }) => problems) };
}

type Found = (Words | object) & { readonly problems: readonly Problem[] };

async function wordsFor(
  { section, spec }: ProcessPlugin,
  facts: DaemonFacts | undefined,
  folder: string,
  known: KnownPlugins,
): Promise<Found> {
  const { use } = section;
  const refuse = (key: string, message: string): Found => ({ problems: [problemIn(section, 'error', key, message)] });
  if (firstParty(pluginNamed(use)))
    return refuse('isolate', `plugin "${pluginNamed(use)}" works inside the daemon only: take "isolate" away`);
  if (!facts)
    return refuse('use', `plugin "${use}" speaks to the controller, which this configuration has switched off`);
  if (/:\*$/.test(facts.endpoint) || /:\*$/.test(facts.pubsub))
    return refuse(
      'use',
      `plugin "${use}" can't be told where the daemon is, as "${facts.endpoint}" or "${facts.pubsub}" leaves the port open`,
    );
  const wish: Wish = { use: use.trim(), spec, facts, folder };
  if (!isPythonName(use, folder)) {
    const found = await nodeWords({ ...wish, config: configOf(section, spec, false) });
    if ('words' in found) return { ...found, problems: [] };
    const problems = found.refusals.map(({ key = 'use', message }) => {
      const what = key === 'use' ? message : `option "${key}" of plugin "${section.name}": ${message}`;
      return problemIn(section, 'error', key, what);
    });
    return { problems };
  }
  const config = configOf(section, spec, true);
  const found = await pythonWords({ ...wish, config }, section.options['python'] || 'python3');
  if ('words' in found) {
    const lost = 'it ends at ":::", and blanks around it are taken away';
    const message = (key: string) => `"${key}" does not reach the plugin as it is: in Circus's form ${lost}`;
    return { ...found, problems: keysLostIn(config).map((key) => problemIn(section, 'warning', key, message(key))) };
  }
  // A plugin of Circus that we are to have, too: until then its section is no mistake.
  const unbuilt = unbuiltPlugins({ plugins: [section] }, known, found.own);
  return unbuilt.length > 0 ? { problems: unbuilt } : refuse('use', found.why);
}

/**
 * What a plugin is told: in Circus all that its section says, also of its watcher. Ours gets what is not an option of
 * watchers.
 */
function configOf({ options, priority, origin }: PluginSection, spec: WatcherSpec, all: boolean): PluginConfig {
  const { isolate: _, ...given } = options;
  const own = Object.entries(given).filter(([key]) => all || !isOfWatchers(key));
  const circus = { __name__: origin.section, ...(priority !== undefined && { priority: String(priority) }) };
  return { ...Object.fromEntries(own), ...(all && circus), name: spec.name };
}
