/** Commands that tell the options of a watcher. */
import * as v from 'valibot';
import { defineCommand, name, nameWord, object, type Command, type CommandContext, type Fields } from '../command.js';
import { innerOptions, innerPlugin } from '../inner.js';
import { named } from '../match.js';
import { quoted, RequestError } from '../protocol.js';
import { comingSpec, listOptions, unlistedOptions } from '../watcher-options.js';

/** The options of a watcher that `options` lists, and those that only `get` finds. @throws RequestError */
function optionsOf(name: string, context: CommandContext): { readonly listed: Fields; readonly unlisted: Fields } {
  const plugin = innerPlugin(context, name);
  if (plugin) return { listed: innerOptions(plugin), unlisted: {} };
  const spec = comingSpec(named(context.arbiter, name));
  return { listed: listOptions(spec, context.asker.role === 'view'), unlisted: unlistedOptions(spec) };
}

/** The commands that tell the options of a watcher. */
export const optionQueries: readonly Command[] = [
  defineCommand({
    name: 'options',
    summary: 'list the options of a watcher',
    role: 'view',
    ofPlugins: true,
    properties: object({ name: name() }),
    words: [nameWord],
    flags: [],
    reply: 'options: names to values',
    run: ({ name }, context) => ({ options: optionsOf(name, context).listed }),
  }),
  defineCommand({
    name: 'get',
    summary: 'tell some options of a watcher',
    role: 'view',
    ofPlugins: true,
    properties: object({
      name: name(),
      keys: v.union([v.array(v.string()), v.string()], "'keys' is a list of option names"),
    }),
    words: [nameWord, { name: 'keys', kind: 'list', required: true, summary: 'names of options' }],
    flags: [],
    reply: 'options: the asked names to values',
    run({ name, keys }, context) {
      const { listed, unlisted } = optionsOf(name, context);
      const asked = [...keys].map((key) => {
        const all = Object.hasOwn(listed, key) ? listed : unlisted;
        if (!Object.hasOwn(all, key)) throw new RequestError(3, `${quoted(key)} option not found`);
        return [key, all[key]];
      });
      return { options: Object.fromEntries(asked) };
    },
  }),
];
