/** What was changed at run time, as a file of overrides: a pure function from the old text and the drift to the new text. */
import { quoteWord } from '#core';
import type { KeyChange, Plan, Saved } from '#plugins/controller/service.js';
import { readIni } from './ini.js';
import { iniOption } from './show.js';

const masked = '***';

/** Why a value would be read back as another one; undefined when it would not. */
function objection(key: string, value: unknown, shell: boolean): string | undefined {
  if (value === undefined || value === null) return 'a file of overrides can take nothing away';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // What the daemon has in its environment is not for whoever may set an option.
  const filled =
    /circus\.env\./i.test(text) || (key.startsWith('env.') && /\$[A-Z]/.test(text)) || (shell && /\$[${]/.test(text));
  if (filled) return 'its value has a variable in it, which would be filled in when the file is read';
  return iniOption(key, value as string)[0]?.startsWith('#') ? 'it cannot be written in INI' : undefined;
}

/** One drifted key as options: variables one by one, without those that are secret; lists of words as one text. */
function optionsFor({ key, before, after }: KeyChange): readonly (readonly [string, unknown])[] {
  if (key === 'args' && Array.isArray(after)) return [[key, after.map((word) => quoteWord(String(word))).join(' ')]];
  if (key !== 'env') return [[key, Array.isArray(after) ? after.join(', ') : after]];
  const old = (before ?? {}) as Readonly<Record<string, string>>;
  const fresh = (after ?? {}) as Readonly<Record<string, string>>;
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])].flatMap((name) =>
    fresh[name] === old[name] || fresh[name] === masked ? [] : [[`env.${name}`, fresh[name]] as const],
  );
}

/**
 * The text of a file of overrides: what it held before, and over that the drift of these watchers, as far as it would be
 * read back as it is; with `shell`, as texts that a shell's variables are filled into.
 */
export function withDrift(
  text: string,
  drift: Plan['drift'],
  shell: boolean,
): { readonly text: string; readonly unsaved: Saved['unsaved'] } {
  const unsaved: Saved['unsaved'][number][] = [];
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
    for (const [key, value] of keys.flatMap(optionsFor)) {
      const reason = objection(key, value, shell);
      if (reason === undefined) options.set(key, value);
      else unsaved.push({ watcher, key, reason });
    }
    if (options.size > 0) sections.set(name, options);
  }
  const blocks = [...sections].map(([name, options]) =>
    [`[${name}]`, ...[...options].flatMap(([key, value]) => iniOption(key, value as string | number | boolean))].join(
      '\n',
    ),
  );
  const head = '# Written by circusctl save; its values go over those of all other files.';
  return { text: `${[head, ...blocks].join('\n\n')}\n`, unsaved };
}
