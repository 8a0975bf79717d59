/** The commands that freeze and thaw a watcher. */
import * as v from 'valibot';
import type { Arbiter } from '#core';
import { defineCommand, RequestError, watcherNotFound, type Command, type Fields } from '../controller/service.js';
import { didYouMean } from '../nearest.js';
import { standard } from '../schema.js';
import type { Groups } from './groups.js';

const properties = standard(v.object({ name: v.string("'name' is a text") }));
const words = [{ name: 'name', kind: 'text', required: true, summary: 'a watcher' }] as const;
const shared = { role: 'operate', wide: false, properties, words, flags: [], reply: 'pids: whom it concerns' } as const;

/** Both; they act on these groups. */
export function freezing(groups: Pick<Groups, 'of' | 'freeze' | 'outside'>): readonly Command[] {
  const act = async (arbiter: Arbiter, name: string, frozen: boolean): Promise<Fields> => {
    const watcher = arbiter.find(name);
    if (!watcher) {
      const near = didYouMean(
        name,
        arbiter.watchers.map((one) => one.name),
      );
      throw watcherNotFound(name, near);
    }
    const group = groups.of(watcher);
    if (!group) throw new RequestError(5, `"${watcher.name}" has no process in a control group`);
    if (frozen && watcher.wanted === 'down')
      throw new RequestError(5, `"${watcher.name}" is not up: only what runs freezes`);
    const outside = frozen ? groups.outside(watcher) : [];
    if (outside.length > 0)
      throw new RequestError(5, `process ${outside[0]} of "${watcher.name}" is in no control group: reload it first`);
    if (!(await groups.freeze(watcher, group, frozen)))
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
