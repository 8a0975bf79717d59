/** The command that tells clients which commands there are beside the controller's own. */
import { defineCommand, object } from '../command.js';

/** Lists what plugins have added, in the form in which circusctl carries the others. */
export const ofPlugins = defineCommand({
  name: 'commands',
  summary: 'list the commands that plugins have added',
  role: 'view',
  properties: object({}),
  words: [],
  flags: [],
  reply: 'commands: name, role, summary, words, flags and reply of each, by name',
  run(_, { added }) {
    const sorted = added.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return {
      commands: sorted.map(({ name, role, summary, words, flags, reply }) => ({
        name,
        role,
        summary,
        words,
        flags,
        reply,
      })),
    };
  },
});
