/** Plugins in processes of their own: from a `[plugin:NAME]` section to the watcher `plugin:NAME` that runs it, as in Circus. */
import { quoteWord, reasonOf, type WatcherSpec } from '#core';
import type { Configuration, Origin, PluginSection } from '../config/build.js';
import { environmentsOf } from '../config/environment.js';
import type { Variables } from '../config/expand.js';
import { finished, rejectDoubled } from '../config/judge.js';
import type { Problem } from '../config/problem.js';
import { pluginNamed, unbuiltPlugins, type KnownPlugins, type MeantPlugin } from '../config/rewrite.js';
import type { Building } from '../config/options.js';
import { optionOf } from '../config/schema.js';
import type { WrittenSection } from '../config/sections.js';
import { buildWatcher, type BuiltWatcher } from '../config/watcher.js';
import { keysLostIn, type PluginConfig } from '../plugin-host/config-string.js';
import type { DaemonFacts } from '../daemon/facts.js';
import { isPythonName, nodeWords, pythonWords, type Wish } from './words.js';
import { firstParty } from './find.js';

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
  const { file, files } = configuration;
  const problems: Problem[] = [];
  const building = (written: ReadonlyMap<string, WrittenSection>): Building => ({
    written: {
      file,
      files,
      unread: [],
      sections: written,
      defaults: new Map(),
      shared: [],
      groups: new Map(),
      problems: [],
    },
    known: {},
    problems,
    envFiles: new Map(),
  });
  const sockets = new Set(configuration.sockets.map(({ spec }) => spec.name));
  const all = sections.map((plugin) => {
    const section = watcherSection(plugin, debug);
    const own = building(new Map([[section.name, section]]));
    // Without [env]: as in Circus a plugin has the environment of the daemon.
    const environments = environmentsOf(own.written, environment, (problem) => problems.push(problem));
    const watcher = buildWatcher(own, section, { environments, sockets, lostSockets: new Set(), shell: false });
    const free = Object.entries(plugin.options).filter(([key]) => key !== 'isolate' && !isOfWatchers(key));
    const spec = { ...watcher.spec, options: { ...Object.fromEntries(free), ...watcher.spec.options } };
    return { ...watcher, spec, section: plugin, origin: plugin.origin };
  });
  const named = [...configuration.watchers, ...all].map(({ spec, origin }) => ({
    spec,
    section: { ...origin, name: origin.section, options: new Map() },
  }));
  rejectDoubled(building(new Map()), 'watcher', named);
  const broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ section }) => section));
  return {
    built: all.filter(({ origin }) => !broken.has(origin.section)),
    problems: finished(problems, files),
  };
}

/** What a section says of its watcher, over Circus's defaults; the command is put in later, unless the section has one. */
function watcherSection(plugin: PluginSection, debug: boolean): WrittenSection {
  const { options, priority = 1, origin } = plugin;
  const texts = {
    cmd: '-',
    singleton: 'true',
    copy_env: 'true',
    ...(options['copy_env'] === undefined && { copy_path: 'true' }),
    close_child_stdout: String(!debug),
    close_child_stderr: String(!debug),
    ...options,
    priority: String(priority),
    name: origin.section,
  };
  const own = Object.entries(texts).filter(([key]) => isOfWatchers(key));
  const written = own.map(([key, value]) => [key, { key, value, ...placeIn(plugin, key) }] as const);
  return { name: origin.section, file: origin.file, line: origin.line, options: new Map(written) };
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
      const found = await wordsFor(plugin, facts, folder, known).catch((error: unknown) => ({
        words: undefined,
        problems: [
          problemIn(section, 'error', 'use', `plugin "${section.use}" can't be looked at: ${reasonOf(error)}`),
        ],
      }));
      if (!found.words) return { ready: [], problems: found.problems };
      const cmd = section.options['cmd'] === undefined ? found.words.map(quoteWord).join(' ') : spec.cmd;
      return { ready: [{ ...plugin, spec: { ...spec, cmd } }], problems: found.problems };
    }),
  );
  return { ready: all.flatMap(({ ready }) => ready), problems: all.flatMap(({ problems }) => problems) };
}

/** The words that start a plugin, when there are any, and what is wrong with its section. */
interface Found {
  readonly words?: readonly string[];
  readonly problems: readonly Problem[];
}

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
  if (!facts) return refuse('use', `plugin "${use}" needs the controller, which this configuration does not have`);
  if (/:\*$/.test(facts.endpoint) || /:\*$/.test(facts.pubsub))
    return refuse(
      'use',
      `plugin "${use}" can't be told where the daemon is, as "${facts.endpoint}" or "${facts.pubsub}" leaves the port open`,
    );
  if (facts.locked)
    return refuse(
      'use',
      `plugin "${use}" has no key for "${facts.endpoint}", where "curve" lets in owners of keys only: give the daemon a Unix socket`,
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
