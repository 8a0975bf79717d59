/** From `use =` to a plugin: a first-party name, a dotted name of Circus, an npm package, or a path. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkPlugin, type AnyPlugin, type WatcherSpec } from '#core';
import { manifest, type ManifestEntry } from '#plugins/manifest.js';
import { importFailure } from '#plugins/syntax.js';
import { readBytes } from '../config/file.js';
import type { KnownKeys } from '../config/options.js';
import { didYouMean } from '../config/problem.js';
import { circusPlugins, sectionOwners } from '../config/rewrite.js';
import { optionOf, protective, schema } from '../config/schema.js';
import { inTime } from './deadline.js';
import { isClientPlugin } from '../plugin-host/client-plugin.js';

/** Names of plugins that are ours, now or later: a watcher with "uid" waits for one that is called "limits". */
const reserved = new Set([
  ...manifest.map(({ name }) => name),
  ...Object.values(circusPlugins),
  ...Object.values(schema).flatMap((options) => options.flatMap(({ owner }) => owner ?? [])),
]);

/** The first-party plugin of this name or alias. */
export function firstParty(use: string): ManifestEntry | undefined {
  return manifest.find(({ name, aliases }) => name === use || aliases.includes(use));
}

/** The first-party plugin that a watcher key belongs to. */
export function ownerOfKey(key: string): ManifestEntry | undefined {
  return manifest.find(({ keys }) =>
    keys.some((own) => (own.endsWith('*') ? key.startsWith(own.slice(0, -1)) : key === own)),
  );
}

/** The first-party plugins that a watcher loads, by its keys or by what it is. */
export function loadedBy(spec: WatcherSpec): readonly string[] {
  const owners = Object.keys(spec.options).flatMap((key) => ownerOfKey(key)?.name ?? []);
  return [...owners, ...manifest.filter(({ suits }) => suits?.(spec)).map(({ name }) => name)];
}

/** The options of a first-party plugin that has no section. */
export const unwritten = (name: string): Readonly<Record<string, string>> => firstParty(name)?.unwritten ?? {};

/** True for a watcher key without whose plugin nothing is started: it takes rights away, or may refuse a start. */
export const isNeeded = (key: string): boolean => protective.has(key) || optionOf('watcher', key)?.type === 'hook';

const isPath = (use: string): boolean => use.startsWith('.') || use.startsWith('/');

/** Where a third-party plugin's file should be, looked for from the folder of the configuration file. @throws Error */
function whereabouts(use: string, folder: string): string {
  if (isPath(use)) return resolve(folder, use);
  return createRequire(join(resolve(folder), 'circus.ini')).resolve(use);
}

/** The file of a third-party plugin, looked for from the folder of the configuration file. @throws Error when there is none */
export function locate(use: string, folder: string): string {
  try {
    const file = whereabouts(use, folder);
    if (existsSync(file)) return file;
  } catch {
    // The same as a file that is not there.
  }
  if (isPath(use)) throw new Error(`plugin "${use}": there is no file ${resolve(folder, use)}`);
  const known = manifest.map(({ name }) => name);
  throw new Error(
    `plugin "${use}" is neither one of ours${didYouMean(use, known)} nor a package that can be found from ${resolve(folder)}`,
  );
}

/** The sections of first-party plugins, and the keys and sections that third-party packages claim in their package.json, without importing them. */
export function claimedKeys(uses: readonly string[], folder: string): KnownKeys {
  const keys: string[] = [];
  const sections = Object.keys(sectionOwners);
  for (const use of uses) {
    if (firstParty(use)) continue;
    const claims = claimsOf(use, folder);
    keys.push(...(claims.keys ?? []));
    sections.push(...(claims.sections ?? []));
  }
  return { keys, sections };
}

function claimsOf(use: string, folder: string): KnownKeys {
  try {
    for (let at = dirname(whereabouts(use, folder)); at !== dirname(at); at = dirname(at)) {
      const file = join(at, 'package.json');
      if (existsSync(file)) return claimsIn(JSON.parse(readBytes(file).toString('utf8')));
    }
  } catch {
    // A package that is not there is reported when it is loaded.
  }
  return {};
}

/** What a package.json claims; whatever is no list of texts there claims nothing. */
function claimsIn(contents: unknown): KnownKeys {
  const { circusd } = contents as { readonly circusd?: Readonly<Record<string, unknown>> | null };
  const texts = (list: unknown): readonly string[] =>
    Array.isArray(list) ? list.filter((one) => typeof one === 'string' && one !== '') : [];
  return { keys: texts(circusd?.['keys']), sections: texts(circusd?.['sections']) };
}

/** Imports the plugin of a section. @throws Error with one sentence that says what is wrong */
export async function importPlugin(use: string, folder: string, section = use): Promise<AnyPlugin> {
  const own = firstParty(use);
  if (own) {
    const module = await own.load();
    return section === own.name ? module.default : (module.named?.(`${own.name}:${section}`) ?? module.default);
  }
  const file = locate(use, folder);
  let module: { default?: unknown };
  try {
    module = (await inTime('its module', import(pathToFileURL(file).href))) as { default?: unknown };
  } catch (error) {
    throw new Error(`plugin "${use}" could not be imported: ${await importFailure(error, file)}`, { cause: error });
  }
  if (isClientPlugin(module.default))
    throw new Error(`plugin "${use}" runs in a process of its own: write "isolate = process" into its section`);
  const plugin = checkPlugin(module.default, use);
  if (reserved.has(plugin.name))
    throw new Error(`"${use}" calls itself "${plugin.name}", which is the name of a plugin of ours`);
  return plugin;
}
