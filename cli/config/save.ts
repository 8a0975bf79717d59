/** What was changed at run time, as a file of overrides: a pure function from the old text and the drift to the new text. */
import { quoteWord } from '#core';
import type { KeyChange, Plan } from '#plugins/controller/service.js';
import { readIni } from './ini.js';
import { iniOption } from './show.js';

const masked = '***';

/** One drifted key as options: variables one by one, without those that are secret; lists of words as one text. */
function optionsFor({ key, before, after }: KeyChange): readonly (readonly [string, unknown])[] {
  if (key === 'args' && Array.isArray(after)) return [[key, after.map((word) => quoteWord(String(word))).join(' ')]];
  if (key !== 'env')
    return after === undefined || after === null ? [] : [[key, Array.isArray(after) ? after.join(', ') : after]];
  const old = (before ?? {}) as Readonly<Record<string, string>>;
  const changed = Object.entries((after ?? {}) as Readonly<Record<string, string>>);
  return changed.flatMap(([name, value]) =>
    value === old[name] || value === masked ? [] : [[`env.${name}`, value] as const],
  );
}

/** The text of a file of overrides: what it held before, and over that the drift of these watchers. */
export function withDrift(text: string, drift: Plan['drift']): string {
  const sections = new Map(
    readIni(text, '').sections.map(({ name, options }) => [
      name,
      new Map<string, unknown>(options.map(({ key, value }) => [key, value])),
    ]),
  );
  for (const { watcher, keys } of drift) {
    // A plugin's watcher is what its section says.
    const name = watcher.startsWith('plugin:') ? watcher : `watcher:${watcher}`;
    const options = sections.get(name) ?? new Map<string, unknown>();
    for (const change of keys) for (const [key, value] of optionsFor(change)) options.set(key, value);
    if (options.size > 0) sections.set(name, options);
  }
  const blocks = [...sections].map(([name, options]) =>
    [`[${name}]`, ...[...options].flatMap(([key, value]) => iniOption(key, value as string | number | boolean))].join(
      '\n',
    ),
  );
  return `${['# Written by circusctl save; its values go over those of all other files.', ...blocks].join('\n\n')}\n`;
}
