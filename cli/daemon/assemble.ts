/** From a configuration file to what a daemon is assembled from: specs, plugins with their options, and what is wrong. */
import { dirname } from 'node:path';
import { reasonOf, type AnyPlugin, type WatcherSpec } from '#core';
import type { Flaw } from '#plugins/flaw.js';
import { buildConfiguration, type Configuration } from '../config/build.js';
import { byPlace, didYouMean, type Problem } from '../config/problem.js';
import { readFiles } from '../config/read.js';
import { meantPlugins, pluginNamed, sectionOwners, type MeantPlugin } from '../config/rewrite.js';
import { optionOf, protective } from '../config/schema.js';
import { optionsOf, type Written } from '../config/sections.js';
import { factsOf, type DaemonFacts } from './facts.js';
import { flawsOf } from '../plugins/judges.js';
import { flawsFor, refusals } from '../plugins/options.js';
import { claimedKeys, firstParty, importPlugin, isNeeded, loadedBy, unwritten } from '../plugins/find.js';
import { buildProcessPlugins, runsApart, shownSection, withCommands, type ProcessPlugin } from '../plugins/process.js';

type BuiltWatcher = Configuration['watchers'][number];

/** A plugin section with the plugin that it names. */
export interface Assembled extends MeantPlugin {
  readonly plugin: AnyPlugin;
}

/** Everything that a daemon is made from. */
export interface Assembly {
  readonly configuration: Configuration;
  readonly written: Written;
  readonly watchers: readonly WatcherSpec[];
  readonly meant: readonly MeantPlugin[];
  readonly plugins: readonly Assembled[];
  /** Plugins in processes of their own, whose watchers are among the others. */
  readonly apart: readonly ProcessPlugin[];
  /** All plugin sections in effect, also those that run apart. */
  readonly shown: readonly MeantPlugin[];
  readonly facts: DaemonFacts | undefined;
  readonly problems: readonly Problem[];
  /** Reads the same once more, as it is now. */
  readonly again: () => Promise<Assembly>;
}

/** How a configuration is read. */
export interface Reading {
  /** The files were read before. */
  readonly again?: boolean;
  /** Circus's addresses where none is said, whatever the file says. */
  readonly circusEndpoints?: boolean;
  /** What is known of the daemon that runs. */
  readonly facts?: DaemonFacts | undefined;
}

/**
 * Reads a configuration and finds the plugins that it means; what is wrong is in `problems`, and left out. When it is
 * read again, `facts` are those of the daemon that runs.
 */
export async function assemble(path: string, environment: NodeJS.ProcessEnv, how: Reading = {}): Promise<Assembly> {
  const folder = dirname(path);
  const written = readFiles(path, environment, how);
  const uses = [...written.sections.values()].flatMap(({ name }) =>
    name.startsWith('plugin:') ? (optionsOf(written, name).get('use')?.value ?? []) : [],
  );
  const read = buildConfiguration(written, environment, claimedKeys(uses, folder));
  const configuration: Configuration = how.circusEndpoints
    ? { ...read, circus: { ...read.circus, endpoints: 'circus' } }
    : read;
  const known = {
    loadedBy,
    unwritten,
    has: (name: string) => firstParty(name) !== undefined,
    many: (name: string) => firstParty(name)?.many !== undefined,
  };
  const sections = configuration.plugins.filter((section) => runsApart(section, folder));
  const debug = how.facts?.debug ?? configuration.circus.debug === true;
  const { built, problems: unfit } = buildProcessPlugins(configuration, sections, environment, debug);
  const inside = configuration.plugins.filter((section) => !sections.includes(section));
  const watchers = [...configuration.watchers, ...built];
  const all = [...watchers, ...configuration.unfit];
  const isToldAlready = toldIn(configuration.problems);
  const flaws = (await judgeWatchers(all, configuration, folder)).filter((flaw) => !isToldAlready(flaw));
  const flawed = new Set(flaws.flatMap(({ section, severity }) => (severity === 'error' ? section : [])));
  const problems: Problem[] = [...configuration.problems, ...unfit, ...flaws];
  const meant = meantPlugins({ ...configuration, plugins: inside, watchers }, known);
  const controller = meant.find(({ use }) => use === 'controller');
  const facts = how.again ? how.facts : await factsOf(controller, configuration.circus);
  // Side by side, so that several that never come to an end take no longer than one.
  const [found, apart] = await Promise.all([
    Promise.all(meant.map((section) => findPlugin(section, folder, configuration, how.again))),
    withCommands(built, facts, folder, known),
  ]);
  const plugins = found.flatMap(({ plugin }) => plugin ?? []);
  problems.push(
    ...found.flatMap(({ problems }) => problems),
    ...apart.problems,
    ...strangers(configuration, plugins, all),
  );
  problems.push(...(await judgeForOthers(plugins, all)).filter((flaw) => !isToldAlready(flaw)));
  const broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ section }) => section));
  return {
    configuration,
    written,
    meant,
    watchers: [...configuration.watchers, ...apart.ready]
      .filter(({ origin }) => !flawed.has(origin.section))
      .map(({ spec }) => withNeeds(spec)),
    apart: apart.ready,
    shown: [...meant, ...sections.map(shownSection)],
    facts,
    plugins: plugins.filter(({ name }) => !broken.has(`plugin:${name}`)),
    problems: [...problems, ...unbuilt(written)].sort(byPlace(written.files)),
    again: () => assemble(path, environment, { ...how, again: true, facts }),
  };
}

/** Tells of a flaw whether an error says already that its option is wrong. */
function toldIn(problems: readonly Problem[]): (flaw: Problem) => boolean {
  const signOf = ({ section = '', key = '' }: Problem) => `${section}\0${key}`;
  const told = new Set(problems.filter(({ severity }) => severity === 'error').map(signOf));
  return (flaw) => told.has(signOf(flaw));
}

/** What plugins would refuse in the options of watchers, where it is written. */
async function judgeWatchers(
  watchers: Configuration['watchers'],
  { sockets: bound, plugins }: Configuration,
  folder: string,
): Promise<readonly Problem[]> {
  const specs = watchers.map(({ spec }) => spec);
  const sockets = bound.map(({ spec }) => spec);
  const sections = plugins.map(({ use, options }) => ({ use: pluginNamed(use), options }));
  const all = await flawsOf(specs, sockets, sections, folder);
  return watchers.flatMap((watcher, at) => all[at]!.map((flaw) => problemOf(watcher, flaw)));
}

function problemOf({ places, origin }: BuiltWatcher, { key, message, likely }: Flaw): Problem {
  const { section } = origin;
  const { file, line, column } = places.get(key) ?? { ...origin, column: 1 };
  const where = { file, line, column, section, key };
  if (likely) return { severity: 'warning', likely, ...where, message: `"${key}" ${message}` };
  return { severity: 'error', ...where, message: `"${key}" ${message}; [${section}] is left out` };
}

/** Sections about a watcher that is none of these: one may come later, and most likely the name is mistyped. */
function strangers(
  configuration: Configuration,
  plugins: readonly Assembled[],
  watchers: readonly BuiltWatcher[],
): readonly Problem[] {
  const names = watchers.map(({ spec }) => spec.name);
  return plugins.flatMap((plugin): readonly Problem[] => {
    const key = firstParty(plugin.use)?.many?.about.find((one) => plugin.options[one] !== undefined);
    const target = key === undefined ? undefined : plugin.options[key];
    if (target === undefined || names.some((one) => one.toLowerCase() === target.trim().toLowerCase())) return [];
    const { file, line, column } = placeOf(configuration, plugin, key);
    const where = { file, line, column, section: `plugin:${plugin.name}`, key: key! };
    const message = `"${key}" names no watcher: there is no "${target}"${didYouMean(target, names)}`;
    return [{ severity: 'warning', likely: true, ...where, message }];
  });
}

/** What plugins of others have against the options that watchers have for them. */
async function judgeForOthers(plugins: readonly Assembled[], watchers: readonly BuiltWatcher[]): Promise<Problem[]> {
  const others = plugins.filter(({ use }) => !firstParty(use));
  const found = others.map(({ plugin, options }) =>
    watchers.map(async (watcher) => {
      const flaws = await flawsFor(plugin, options, watcher.spec);
      return flaws.map((flaw) => problemOf(watcher, flaw));
    }),
  );
  return (await Promise.all(found.flat())).flat();
}

/** The plugin that a section is about, with its options checked, or what is wrong with it. */
async function findPlugin(
  section: MeantPlugin,
  folder: string,
  configuration: Configuration,
  again = false,
): Promise<{ readonly plugin?: Assembled; readonly problems: readonly Problem[] }> {
  try {
    const plugin = await importPlugin(section.use, folder, section.name);
    const { options, found } = await checkOptions(section, plugin, configuration, again);
    return { plugin: { ...section, options, plugin }, problems: found };
  } catch (error) {
    const place = placeOf(configuration, section, 'use');
    const message = `${reasonOf(error)}; ${fateOf(section)}`;
    return { problems: [{ severity: 'error', ...place, section: `plugin:${section.name}`, key: 'use', message }] };
  }
}

/**
 * The options of a plugin after its own validator: what it refuses is an error at the key that it names. A key of
 * watchers is only warned of and dropped: in Circus a plugin is a process, and its section says how that is kept.
 */
async function checkOptions(
  section: MeantPlugin,
  plugin: AnyPlugin,
  configuration: Configuration,
  again: boolean,
): Promise<{ readonly options: MeantPlugin['options']; readonly found: readonly Problem[] }> {
  const found: Problem[] = [];
  const options = { ...section.options };
  const add = (severity: Problem['severity'], key: string | undefined, message: string, isOut = true) =>
    found.push({
      severity,
      ...placeOf(configuration, section, key),
      ...(isOut ? { section: `plugin:${section.name}` } : {}),
      ...(key === undefined ? {} : { key }),
      message,
    });
  // One after the other, as a validator may name only the first that it does not know.
  for (;;) {
    const refused = (await refusals(plugin, options)).find(
      ({ key }) => key !== undefined && optionOf('watcher', key) !== undefined && key in options,
    );
    if (refused?.key === undefined) break;
    delete options[refused.key];
    add('warning', refused.key, `"${refused.key}" has no effect, as plugin "${section.name}" is not a process here`);
  }
  // Without it, what is disabled would be started; read again, it keeps its old form.
  const isStaying = section.use === 'intent' && !again;
  for (;;) {
    const refused = (await refusals(plugin, options)).find(({ key }) => key !== undefined && key in options);
    if (refused?.key === undefined || !isStaying) break;
    delete options[refused.key];
    const named = nameOf(configuration, section, refused.key);
    add('error', refused.key, `option ${named}: ${refused.message}; it counts as not written`, false);
  }
  for (const { key, message } of await refusals(plugin, options)) {
    const [kind = '', name, own = key] = key?.split('.') ?? [];
    // What comes from a section of its own is told as it is written there.
    const isOwn = name !== undefined && sectionOwners[kind] === section.name;
    const named = isOwn ? `"${own}" of [${kind}:${name}]` : nameOf(configuration, section, key);
    const what = key === undefined ? message : `option ${named}: ${message}`;
    add('error', key, `${what}; ${fateOf(section)}`);
  }
  return { options, found };
}

/** An option as it is written: many that belong to plugins may stand in `[circus]`, perhaps under other names. */
function nameOf({ circusPlaces }: Configuration, { name, places }: MeantPlugin, key = ''): string {
  const place = places[key];
  const [written] = [...circusPlaces].find(([, { file, line }]) => file === place?.file && line === place.line) ?? [];
  return written === undefined ? `"${key}" of plugin "${name}"` : `"${written}" of [circus]`;
}

/** What becomes of a plugin with an error; without the controller nobody could reach the daemon. */
function fateOf(plugin: MeantPlugin): string {
  return plugin.use === 'controller' ? 'circusd does not start with it' : `${titleOf(plugin)} is left out`;
}

/** How errors call a plugin: by its section, unless nobody wrote one. */
export function titleOf({ name, origin }: Pick<MeantPlugin, 'name' | 'origin'>): string {
  return origin?.section === `plugin:${name}` ? `[plugin:${name}]` : `plugin "${name}"`;
}

function placeOf({ file }: Configuration, { origin, places }: MeantPlugin, key: string | undefined) {
  const place = key === undefined ? undefined : places[key];
  return place ?? { file: origin?.file ?? file, line: origin?.line ?? 1, column: 1 };
}

function withNeeds(spec: WatcherSpec): WatcherSpec {
  const needs = Object.keys(spec.options).flatMap((key) => (isNeeded(key) && optionOf('watcher', key)?.owner) || []);
  return needs.length === 0 ? spec : { ...spec, needs: [...new Set(needs)] };
}

/** Keys that belong to plugins which this release does not have yet: one warning for each plugin, where it is first meant. */
function unbuilt(written: Written): readonly Problem[] {
  const told = new Map<string, Problem>();
  for (const { name } of written.sections.values()) {
    const kind = name === 'circus' ? 'circus' : name.startsWith('watcher:') ? 'watcher' : undefined;
    if (!kind) continue;
    for (const [key, option] of optionsOf(written, name)) {
      const owner = optionOf(kind, key)?.owner;
      if (owner == null || firstParty(owner) || told.has(owner)) continue;
      const effect = protective.has(key) ? 'so the watcher waits and is not started' : 'so it has no effect';
      const message = `"${key}" belongs to plugin "${owner}", which this version does not have yet, ${effect}`;
      told.set(owner, {
        severity: 'warning',
        file: option.file,
        line: option.line,
        column: 1,
        section: name,
        key,
        message,
      });
    }
  }
  return [...told.values()];
}
