/** Imports memmon of superlance, an event listener of supervisord that restarts programs for the memory they use. */
import { basename } from 'node:path';
import { splitWords } from '#core';
import type { Draft, Entry, WatcherDraft } from './draft.js';
import type { SupervisordSection } from './supervisord-file.js';

/** memmon's options with a value. */
const valued = new Set(['-p', '-g', '-a', '-u', '-m', '-n', '-s', '-t']);
/** Those that say whom it is about, from the most particular on: the first one counts, as for memmon. */
const targets = ['-p', '-g', '-a'] as const;

/** Its words, where the command of an event listener is memmon; else undefined. */
function memmonWords(section: SupervisordSection): readonly string[] | undefined {
  try {
    const words = splitWords(section.entries.get('command')?.value ?? '');
    const at = words.findIndex((word) => basename(word) === 'memmon');
    return at < 0 ? undefined : words.slice(at + 1);
  } catch {
    return undefined;
  }
}

/** memmon's size: `200MB`, `1GB`, or bytes. */
function sizeIn(text: string): string | undefined {
  const [, digits, unit = ''] = /^(\d+)\s*([kmg]?)b?$/i.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : `${digits}${unit.toUpperCase() || 'B'}`;
}

function isMeant({ ids, groups }: WatcherDraft, option: string, name: string): boolean {
  if (option === '-a') return true;
  // Who is in no group is one of its own name.
  if (option === '-g') return groups.has(name) || (groups.size === 0 && ids.includes(name));
  return ids.includes(name.split(':', 1)[0]!) || ids.includes(name.split(':').at(-1)!);
}

/** Gives the watchers that memmon is about their limits; false for another program. All watchers must be there. */
export function importMemmon(draft: Draft, section: SupervisordSection): boolean {
  const words = memmonWords(section);
  if (!words) return false;
  const given: { readonly option: string; readonly value: string }[] = [];
  const ignored: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const option = words[at]!;
    const value = valued.has(option) ? words[++at] : undefined;
    if (targets.some((one) => one === option)) given.push({ option, value: value ?? '' });
    else ignored.push(option);
  }
  const command = section.entries.get('command')!;
  const from: Entry = { ...command, key: `memmon in [${section.name}]` };
  for (const watcher of draft.watchers) {
    const found = targets.flatMap((target) =>
      given.flatMap(({ option, value }) => {
        const [name, size] = option === '-a' ? ['', value] : value.split('=', 2);
        return option === target && isMeant(watcher, option, name!) ? [size ?? ''] : [];
      }),
    )[0];
    if (found === undefined) continue;
    const size = sizeIn(found);
    if (size === undefined) watcher.report(from, `"${found}" is no size that memmon reads`);
    // It looks once a minute, and once is enough.
    else if (watcher.set('resources.max_memory', size, from)) {
      watcher.set('resources.samples', 1, from);
      watcher.set('resources.interval', 60, from);
    }
  }
  if (ignored.length > 0)
    draft.report(
      command,
      `${ignored.join(', ')} of memmon`,
      'the processes of a watcher are counted one by one, with their trees',
      'the event out_of_limits tells of each replacement',
    );
  return true;
}
