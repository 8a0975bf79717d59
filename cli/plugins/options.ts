/** The options of a plugin after its own validator. */
import { reasonOf, type OptionsSchema, type WatcherSpec } from '#core';
import type { Flaw } from '#plugins/flaw.js';
import { didYouMean } from '../config/problem.js';
import { inTime } from './deadline.js';

/** What a validator has against an option, or against all of them. */
export interface Refusal {
  readonly key: string | undefined;
  readonly message: string;
}

/** The part of a plugin that is looked at. */
interface Optioned {
  readonly name: string;
  readonly options?: OptionsSchema;
}

/** What the plugin has against these options; empty when nothing. @throws Error when it does not come to an end */
export async function refusals(plugin: Optioned, options: Readonly<Record<string, string>>): Promise<Refusal[]> {
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
    // One with dots comes from a section of its own, and its plugin has its own words.
    const unknown = key !== undefined && !key.includes('.') && known.length > 0 && !known.includes(key);
    return { key, message: unknown ? `there is no such option${didYouMean(key, known)}` : message };
  });
}

/** What the plugin has against a watcher's own options, put over those of its section, which then count alone. */
export async function flawsFor(
  plugin: Optioned,
  options: Readonly<Record<string, string>>,
  { options: all }: WatcherSpec,
): Promise<readonly Flaw[]> {
  const prefix = `${plugin.name}.`;
  const own = Object.entries(all)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => [key.slice(prefix.length), String(value)] as const);
  if (own.length === 0) return [];
  const names = new Set(own.map(([name]) => name));
  let found: readonly Refusal[];
  try {
    found = await refusals(plugin, { ...options, ...Object.fromEntries(own) });
  } catch (error) {
    // The plugin's own fault, which takes nothing else with it.
    found = [{ key: own[0]![0], message: reasonOf(error) }];
  }
  return found.flatMap(({ key, message }) =>
    key !== undefined && names.has(key)
      ? { key: prefix + key, message: `has no effect: ${message}`, likely: true as const }
      : [],
  );
}

function optionsKnownTo(plugin: Optioned): readonly string[] {
  const schema = plugin.options?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  return Object.keys((schema?.['properties'] as object | undefined) ?? {});
}
