/** What is wrong with groups as a whole: sections without a member, and places that name a group which there is not. */
import { groupsIn, groupsOf, isWord, readSelector } from '#plugins/selector.js';
import type { IniOption } from './ini.js';
import type { Building } from './options.js';
import { didYouMean, type Problem } from './problem.js';
import { optionsOf, ownKeys, type WrittenSection } from './sections.js';
import type { BuiltWatcher } from './watcher.js';

type Watchers = readonly (BuiltWatcher & { readonly section: WrittenSection })[];

/** Tells of sections of groups that nobody is in, of keys that are not for them, and of variables in `group`. */
export function rejectGroups({ written, problems }: Building, watchers: Watchers): void {
  const groups = [...new Set(watchers.flatMap(({ spec }) => groupsOf(spec)))];
  const isGroup = new Set(groups.map((group) => group.toLowerCase()));
  for (const section of written.groups.values()) {
    const name = section.name.slice('group:'.length);
    if (!isWord(name))
      problems.push(at(section, 'error', `[${section.name}] can't be a group: a selector could not name it`));
    else if (!isGroup.has(name.toLowerCase()))
      problems.push(
        at(section, 'warning', `[${section.name}] has no member and has no effect${didYouMean(name, groups)}`),
      );
    for (const [key, option] of section.options)
      if (ownKeys.has(key)) problems.push(at(section, 'error', `"${key}" can't be a default of a group`, option));
  }
  for (const { spec, section, places } of watchers) {
    const option = places.get('group');
    // The defaults of its groups are looked up before any variable is.
    if (option && groupsIn(option.value).join() !== groupsOf(spec).join())
      problems.push(at(section, 'error', '"group" can have no variables', option));
  }
}

/** Warns of endpoints for groups and labels that no watcher has: they are for nobody. */
export function warnOfEndpoints({ written, problems }: Building, watchers: Watchers): void {
  const subjects = watchers.map(({ spec }) => spec);
  const groups = subjects.flatMap(groupsOf).map((group) => `@${group}`);
  for (const section of written.sections.values()) {
    const option = section.name.startsWith('endpoint:') && optionsOf(written, section.name).get('watchers');
    if (!option || option.value.includes('$')) continue;
    for (const { text, kind, matches } of readSelector(option.value, 'commas')) {
      if ((kind !== 'group' && !text.includes('=')) || subjects.some(matches)) continue;
      const what = kind === 'group' ? `is in${didYouMean(text, groups)}` : 'has';
      problems.push(at(section, 'warning', `"watchers" names ${text}, which no watcher ${what}`, option));
    }
  }
}

function at(section: WrittenSection, severity: Problem['severity'], message: string, option?: IniOption): Problem {
  const { file, line } = option ?? section;
  const key = option === undefined ? {} : { key: option.key };
  return { severity, file, line, column: option?.column ?? 1, section: section.name, ...key, message };
}
