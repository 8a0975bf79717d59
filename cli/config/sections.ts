/** The one table of sections that several files make. */
import { groupsIn } from '#plugins/selector.js';
import type { IniFile, IniOption } from './ini.js';
import { hasWildcard, matches } from './pattern.js';
import type { Problem } from './problem.js';
import { strip } from './text.js';

/** One section, merged over all files, at the place of its first header. */
export interface WrittenSection {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly options: ReadonlyMap<string, IniOption>;
}

/** A section of defaults, with the patterns of the watchers that it is for. */
export interface SharedSection {
  readonly section: WrittenSection;
  readonly patterns: readonly string[];
}

/** Everything that was written; sections and options in the order of the files. */
export interface Written {
  /** The main file, as it was named. */
  readonly file: string;
  /** All files that were read, the main file first. */
  readonly files: readonly string[];
  /** Files that are there and could not be read. */
  readonly unread: readonly string[];
  readonly sections: ReadonlyMap<string, WrittenSection>;
  /** The options of `[DEFAULT]`, which every section has. */
  readonly defaults: ReadonlyMap<string, IniOption>;
  /** `[defaults]`, `[defaults:PATTERNS]` and `[watcher:*]`, which watchers have. */
  readonly shared: readonly SharedSection[];
  /** `[group:NAME]`, by the name in lower case, which the watchers of the group have. */
  readonly groups: ReadonlyMap<string, WrittenSection>;
  readonly problems: readonly Problem[];
}

const defaultSection = 'DEFAULT';
/** No watcher is called that: it is another name of `[defaults]`. */
export const anyWatcher = 'watcher:*';

/** Merges what several files say: sections of one name are one section, and the first definition of an option wins. */
export function mergeFiles(
  file: string,
  parts: readonly IniFile[],
  problems: readonly Problem[] = [],
  unread: readonly string[] = [],
): Written {
  const sections = new Map<string, WrittenSection & { readonly options: Map<string, IniOption> }>();
  const doubled: Problem[] = [];
  for (const [at, part] of parts.entries()) {
    for (const { name, file, line, options } of part.sections) {
      const section = sections.get(name) ?? { name, file, line, options: new Map<string, IniOption>() };
      sections.set(name, section);
      let told = at === 0;
      for (const option of options) {
        const first = section.options.get(option.key);
        if (first === undefined) section.options.set(option.key, option);
        else if (!told && first.file !== file && first.file !== parts[0]!.file && isOne(name)) {
          doubled.push(doubling(name, option, first));
          told = true;
        }
      }
    }
  }
  const defaults = sections.get(defaultSection)?.options ?? new Map<string, IniOption>();
  sections.delete(defaultSection);
  const files = parts.map((part) => part.file);
  const all = [...parts.flatMap((part) => part.problems), ...problems, ...doubled];
  const [shared, groups] = [sharedIn(sections), groupsAmong(sections)];
  return { file, files, unread, sections, defaults, shared, groups, problems: all };
}

/**
 * The options of a section: its own over those of `[DEFAULT]` and, for a watcher, over those of its groups, the first
 * group's over those of the others, and under these the defaults that are for it.
 */
export function optionsOf(written: Written, name: string): ReadonlyMap<string, IniOption> {
  const section = written.sections.get(name);
  if (section === undefined) return new Map();
  const isWatcher = name.startsWith('watcher:') && name !== anyWatcher;
  const shared = isWatcher ? sharedFor(written, name.slice(8)) : [];
  if (shared.length === 0 && written.defaults.size === 0 && written.groups.size === 0) return section.options;
  const defaults = [...written.defaults, ...shared.flatMap(({ section }) => [...section.options])];
  if (!isWatcher || written.groups.size === 0) return new Map([...defaults, ...section.options]);
  const group = section.options.get('group') ?? new Map(defaults).get('group');
  const ofGroups = groupsIn(group?.value)
    .flatMap((group) => written.groups.get(group.toLowerCase()) ?? [])
    .reverse()
    .flatMap(({ options }) => [...options].filter(([key]) => !ownKeys.has(key)));
  return new Map([...defaults, ...ofGroups, ...section.options]);
}

/** Keys that no group can have for its watchers. */
export const ownKeys: ReadonlySet<string> = new Set(['group', 'name']);
const groupSection = 'group:';

function groupsAmong(sections: ReadonlyMap<string, WrittenSection>): ReadonlyMap<string, WrittenSection> {
  const all = [...sections.values()].filter(({ name }) => name.startsWith(groupSection));
  return new Map(all.map((section) => [section.name.slice(groupSection.length).toLowerCase(), section]));
}

/** The sections of defaults for a watcher, the most specific one last. */
function sharedFor({ shared }: Written, watcher: string): readonly SharedSection[] {
  return shared
    .map((one) => ({ one, weight: Math.max(...one.patterns.map((pattern) => weightOf(pattern, watcher))) }))
    .filter(({ weight }) => weight >= 0)
    .sort((a, b) => a.weight - b.weight)
    .map(({ one }) => one);
}

/** How specific a pattern is: its letters that are no wildcards, a whole name beyond all others; -1 when it does not match. */
function weightOf(pattern: string, watcher: string): number {
  if (!matches(watcher, pattern)) return -1;
  return hasWildcard(pattern) ? pattern.replace(/\[[^\]]+\]|[*?]/g, '').length : Infinity;
}

function sharedIn(sections: ReadonlyMap<string, WrittenSection>): readonly SharedSection[] {
  return [...sections.values()].flatMap((section) => {
    const { name } = section;
    if (name === 'defaults' || name === anyWatcher) return { section, patterns: ['*'] };
    if (!name.startsWith('defaults:')) return [];
    return { section, patterns: name.slice('defaults:'.length).split(',').map(strip) };
  });
}

/** A section that describes one thing, which two included files hardly both mean to describe. */
function isOne(name: string): boolean {
  return /^(?:watcher|socket|plugin):/.test(name);
}

function doubling(section: string, option: IniOption, first: IniOption): Problem {
  const { key, file, line } = option;
  const message = `[${section}] is written in two included files: "${key}" of ${first.file}:${first.line} counts, so this one is ignored`;
  return { severity: 'warning', likely: true, file, line, column: 1, section, key, message };
}

/** The files as they were read, before any expansion: what `--as-read` prints. */
export function asRead(written: Written): {
  sections: Record<string, Record<string, string>>;
  DEFAULT?: Record<string, string>;
} {
  const texts = (options: ReadonlyMap<string, IniOption>): Record<string, string> =>
    Object.fromEntries([...options].map(([key, option]) => [key, option.value]));
  const sections = Object.fromEntries([...written.sections].map(([name, { options }]) => [name, texts(options)]));
  return written.defaults.size === 0 ? { sections } : { sections, DEFAULT: texts(written.defaults) };
}
