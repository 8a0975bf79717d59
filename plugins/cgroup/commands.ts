/** The commands that freeze and thaw a watcher. */
import { quoteWord, type Arbiter } from '#core';
import {
  defineCommand,
  name,
  named,
  nameWord,
  object,
  RequestError,
  type Command,
  type Fields,
} from '../controller/service.js';
import type { Groups } from './groups.js';
import type { Power } from './power.js';

const properties = object({ name: name() });
const shared = {
  role: 'operate',
  wide: false,
  properties,
  words: [nameWord],
  flags: [],
  reply: 'pids: whom it concerns',
} as const;

/** Both; they act on these groups by this power. */
export function freezing(
  groups: Pick<Groups, 'of' | 'isActive' | 'outside'>,
  power: Pick<Power, 'freeze'>,
): readonly Command[] {
  const act = async (arbiter: Arbiter, name: string, frozen: boolean): Promise<Fields> => {
    const watcher = named(arbiter, name);
    const group = groups.of(watcher);
    if ((frozen || !group) && !groups.isActive(watcher))
      throw new RequestError(
        5,
        `"${watcher.name}" has no control groups, as "cgroup.active" is false: ` +
          `"circusctl set ${quoteWord(watcher.name)} cgroup.active True" replaces its processes by some that have them`,
      );
    if (!group) throw new RequestError(5, `"${watcher.name}" has no process in a control group`);
    if (frozen && watcher.wanted === 'down')
      throw new RequestError(5, `"${watcher.name}" is not up: only what runs freezes`);
    const outside = frozen ? groups.outside(watcher) : [];
    if (outside.length > 0)
      throw new RequestError(5, `process ${outside[0]} of "${watcher.name}" is in no control group: reload it first`);
    if (!(await power.freeze(watcher, group, frozen)))
      throw new RequestError(6, `"${watcher.name}" is being frozen, and some of it has not stopped yet`);
    return { pids: group.pids };
  };
  return [
    defineCommand({
      ...shared,
      name: 'freeze',
      summary: 'halt the processes of a watcher, with all that they started',
      run: ({ name }, { arbiter }) => act(arbiter, name, true),
    }),
    defineCommand({
      ...shared,
      name: 'thaw',
      summary: 'let the processes of a frozen watcher go on',
      run: ({ name }, { arbiter }) => act(arbiter, name, false),
    }),
  ];
}
