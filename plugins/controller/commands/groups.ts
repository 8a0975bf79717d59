/** The command that tells the groups of watchers, and what `status` says of them. */
import { circusState, type Watcher } from '#core';
import { groupsOf } from '../../selector.js';
import { defineCommand, object, type Fields } from '../command.js';

/** The groups of those that are in any, by watcher. */
export function groupsIn(watchers: readonly Watcher[]): Fields {
  const all = watchers.map((watcher) => [watcher.name, groupsOf(watcher.spec)] as const);
  const some = all.filter(([, groups]) => groups.length > 0);
  return some.length > 0 ? { groups: Object.fromEntries(some) as Fields } : {};
}

/** The members of each group, with their states; a group is called as its first member calls it. */
function membersOf(watchers: readonly Watcher[]): Fields {
  const groups = new Map<string, { readonly group: string; readonly members: [string, string][] }>();
  for (const { name, state, spec } of watchers)
    for (const group of groupsOf(spec)) {
      const key = group.toLowerCase();
      const known = groups.get(key) ?? { group, members: [] };
      groups.set(key, known);
      known.members.push([name, circusState[state]]);
    }
  const sorted = [...groups].sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([, { group, members }]) => [group, Object.fromEntries(members)]));
}

/** Lists groups. */
export const groups = defineCommand({
  name: 'groups',
  summary: 'list groups, with their watchers and what these are doing',
  role: 'view',
  properties: object({}),
  words: [],
  flags: [],
  reply: 'groups: names to watchers to states',
  run: (_, { arbiter }) => ({ groups: membersOf(arbiter.watchers) }),
});
