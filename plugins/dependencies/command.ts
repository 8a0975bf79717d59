/** The command `tree`. */
import * as v from 'valibot';
import { defineCommand, name, named, nameWord, object, type Command } from '../controller/service.js';
import type { Follower } from './follower.js';
import { draw, nodesOf } from './tree.js';

/** Draws who waits for whom. */
export const treeCommand = (follower: Pick<Follower, 'isMet' | 'why'>): Command =>
  defineCommand({
    name: 'tree',
    summary: 'draw which watchers wait for which',
    role: 'view',
    properties: object({ name: v.optional(name()) }),
    words: [{ ...nameWord, required: false, summary: 'only what this watcher waits for' }],
    flags: [],
    reply:
      'watchers: name, state and needs of each; of a need: on, kind, condition, met and why not; text: the same as a drawing',
    run({ name }, { arbiter }) {
      const nodes = nodesOf(arbiter.watchers, follower);
      const only = name === undefined ? undefined : named(arbiter, name);
      const root = only && nodes.find((node) => node.name === only.name);
      return { watchers: root ? [root] : nodes, text: draw(nodes, root).join('\n') };
    },
  });
