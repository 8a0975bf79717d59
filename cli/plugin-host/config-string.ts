/** The configuration of a plugin in a process of its own, as one word of its command line. */
import { strip } from '../config/text.js';

/** Keys to texts. */
export type PluginConfig = Readonly<Record<string, string>>;

/** Reads what `--config` says: `key:value` entries between `:::`, as Circus writes them, or a JSON object of texts. @throws Error */
export function readConfig(text: string): PluginConfig {
  if (/^\s*\{/.test(text)) return readJson(text);
  return Object.fromEntries(
    text.split(':::').flatMap((entry) => {
      const colon = entry.indexOf(':');
      return colon < 0 ? [] : [[strip(entry.slice(0, colon)), strip(entry.slice(colon + 1))]];
    }),
  );
}

function readJson(text: string): PluginConfig {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`it begins as JSON and is none: ${(error as Error).message}`, { cause: error });
  }
  const values = Object.entries(found as object);
  const [odd] = values.find(([, value]) => typeof value !== 'string') ?? [];
  if (odd !== undefined) throw new Error(`"${odd}" is no text`);
  return Object.fromEntries(values);
}

const sorted = (config: PluginConfig): readonly (readonly [string, string])[] =>
  Object.keys(config)
    .sort()
    .map((key) => [key, config[key]!]);

/**
 * Circus's form, which its own plugins read: they take away blanks around a value, so blanks keep colons at its ends,
 * and an empty one, apart from the marks between entries.
 */
export function circusConfig(config: PluginConfig): string {
  const entry = ([key, value]: readonly [string, string]) => `${key}:${/^:|:$|^$/.test(value) ? ` ${value} ` : value}`;
  return sorted(config).map(entry).join(':::');
}

/** The keys whose values do not come through Circus's form as they are. */
export function keysLostIn(config: PluginConfig): readonly string[] {
  const read = readConfig(circusConfig(config));
  return Object.keys(config).filter((key) => read[key] !== config[key]);
}

/** JSON in which nothing looks like one of our variables, which would be filled in when the process is started. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value)
    .replace(/\$(?=\()/g, '\\u0024')
    .replace(/\((?=\()/g, '\\u0028');
}

/** Our own form, in which any text comes through. */
export function jsonConfig(config: PluginConfig): string {
  return safeJson(Object.fromEntries(sorted(config)));
}
