/** From a configuration file to what a daemon is assembled from: specs, plugins with their options, and what is wrong. */
import { dirname } from 'node:path';
import { reasonOf, type AnyPlugin, type WatcherSpec } from '#core';
import type { Judge, ManifestEntry } from '#plugins/manifest.js';
import { buildConfiguration, type Configuration } from './config/build.js';
import { byPlace, didYouMean, type Problem } from './config/problem.js';
import { readFiles } from './config/read.js';
import { meantPlugins, unbuiltPlugins, type MeantPlugin } from './config/rewrite.js';
import { optionOf, protective, schema } from './config/schema.js';
import { optionsOf, type Written } from './config/sections.js';
import { inTime } from './deadline.js';
import { claimedKeys, firstParty, importPlugin, ownerOfKey } from './plugins.js';

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
  readonly problems: readonly Problem[];
}

/** Reads a configuration and finds the plugins that it means; what is wrong is in `problems`, and left out. */
export async function assemble(
  path: string,
  environment: NodeJS.ProcessEnv,
  how: { readonly again?: boolean } = {},
): Promise<Assembly> {
  const folder = dirname(path);
  const written = readFiles(path, environment, how);
  const uses = [...written.sections.values()].flatMap(({ name }) =>
    name.startsWith('plugin:') ? (optionsOf(written, name).get('use')?.value ?? []) : [],
  );
  const configuration = buildConfiguration(written, environment, claimedKeys(uses, folder));
  const known = {
    ownerOf: (key: string) => ownerOfKey(key)?.name,
    has: (name: string) => firstParty(name) !== undefined,
  };
  const flaws = await judgeWatchers(configuration);
  const flawed = new Set(flaws.map(({ section }) => section));
  const problems: Problem[] = [...configuration.problems, ...flaws, ...unbuiltPlugins(configuration, known)];
  const meant = meantPlugins(configuration, known);
  // Side by side, so that several that never come to an end take no longer than one.
  const found = await Promise.all(meant.map((section) => findPlugin(section, folder, configuration)));
  const plugins = found.flatMap(({ plugin }) => plugin ?? []);
  problems.push(...found.flatMap(({ problems }) => problems));
  const broken = new Set(problems.filter(({ severity }) => severity === 'error').map(({ section }) => section));
  return {
    configuration,
    written,
    meant,
    watchers: configuration.watchers
      .filter(({ origin }) => !flawed.has(origin.section))
      .map(({ spec }) => withNeeds(spec)),
    plugins: plugins.filter(({ name }) => !broken.has(`plugin:${name}`)),
    problems: [...problems, ...unbuilt(written)].sort(byPlace(written.files)),
  };
}

/** What plugins would refuse in the options of watchers, where it is written; only judges that have something to judge are loaded. */
async function judgeWatchers({ watchers }: Configuration): Promise<readonly Problem[]> {
  const judgesOf = ({ options }: WatcherSpec) =>
    new Set(Object.keys(options).flatMap((key) => ownerOfKey(key)?.judge ?? []));
  const judges = new Map<NonNullable<ManifestEntry['judge']>, Judge>();
  for (const load of new Set(watchers.flatMap(({ spec }) => [...judgesOf(spec)])))
    judges.set(load, (await load()).judge());
  return watchers.flatMap(({ spec, places, origin: { section, file, line } }) => {
    const flaws = [...judgesOf(spec)].flatMap((load) => judges.get(load)!(spec.options));
    return flaws.map(({ key, message }): Problem => {
      const { column, ...at } = places.get(key) ?? { file, line, column: 1 };
      const words = `"${key}" ${message}; [${section}] is left out`;
      return { severity: 'error', file: at.file, line: at.line, column, section, key, message: words };
    });
  });
}

/** The plugin that a section is about, with its options checked, or what is wrong with it. */
async function findPlugin(
  section: MeantPlugin,
  folder: string,
  configuration: Configuration,
): Promise<{ readonly plugin?: Assembled; readonly problems: readonly Problem[] }> {
  try {
    const plugin = await importPlugin(section.use, folder);
    const { options, found } = await checkOptions(section, plugin, configuration);
    return { plugin: { ...section, options, plugin }, problems: found };
  } catch (error) {
    const place = placeOf(configuration, section, 'use');
    const message = `${reasonOf(error)}; [plugin:${section.name}] is left out`;
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
): Promise<{ readonly options: MeantPlugin['options']; readonly found: readonly Problem[] }> {
  const found: Problem[] = [];
  const options = { ...section.options };
  const add = (severity: Problem['severity'], key: string | undefined, message: string) =>
    found.push({
      severity,
      ...placeOf(configuration, section, key),
      section: `plugin:${section.name}`,
      ...(key === undefined ? {} : { key }),
      message,
    });
  for (const { key } of await refusals(plugin, options)) {
    if (key === undefined || !watcherKeys.has(key)) continue;
    delete options[key];
    add('warning', key, `"${key}" has no effect, as plugin "${section.name}" is not a process here`);
  }
  for (const { key, message } of await refusals(plugin, options)) {
    const what = key === undefined ? message : `option "${key}" of plugin "${section.name}": ${message}`;
    add('error', key, `${what}; [plugin:${section.name}] is left out`);
  }
  return { options, found };
}

const watcherKeys = new Set(schema.watcher.map(({ key }) => key));

async function refusals(plugin: AnyPlugin, options: MeantPlugin['options']) {
  const result = await inTime(
    `the check of the options of plugin "${plugin.name}"`,
    plugin.options?.['~standard'].validate(options),
  );
  if (!result?.issues) return [];
  const known = optionsKnownTo(plugin);
  return result.issues.map(({ path = [], message }) => {
    const [first] = path;
    const key = first === undefined ? undefined : String(typeof first === 'object' ? first.key : first);
    // What a validator says about a name that it does not know is rarely meant for people.
    const unknown = key !== undefined && known.length > 0 && !known.includes(key);
    return { key, message: unknown ? `there is no such option${didYouMean(key, known)}` : message };
  });
}

function optionsKnownTo(plugin: AnyPlugin): readonly string[] {
  const schema = plugin.options?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  return Object.keys((schema?.['properties'] as object | undefined) ?? {});
}

function placeOf({ file }: Configuration, { origin, places }: MeantPlugin, key: string | undefined) {
  const place = key === undefined ? undefined : places[key];
  return place ?? { file: origin?.file ?? file, line: origin?.line ?? 1, column: 1 };
}

function withNeeds(spec: WatcherSpec): WatcherSpec {
  const needs = Object.keys(spec.options).flatMap((key) =>
    protective.has(key) ? (optionOf('watcher', key)?.owner ?? []) : [],
  );
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
