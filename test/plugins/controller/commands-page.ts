/** The text of docs/reference/commands.md, made from the table of commands. */
import type { Command } from '#plugins/controller/command.js';
import { commandHelp } from '../../../cli/ctl/help.js';
import { everyCommand, ofPlugins } from '../../cli/ctl/every-command.js';

/** Every command of ours, by name. */
export const commands = everyCommand;

interface Schema {
  readonly type?: string;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

const introduction = `# Commands

What can be asked of a running daemon: over ZeroMQ, as Circus's clients do it, and with \`circusctl\`. This page is made
from what plugins declare, most of it in \`plugins/controller/commands\`; a test compares the two. ${Object.entries(
  ofPlugins,
)
  .map(
    ([plugin, commands]) =>
      `${commands.map(({ name }) => `\`${name}\``).join(', ')} are there while the plugin [${plugin}](../../plugins/${plugin}/README.md) is loaded.`,
  )
  .join(' ')} Plugins may add commands of their own ([how](../guides/write-a-plugin.md)).

## Requests and replies

A request is one frame of JSON on a DEALER socket, at most 1 MiB:

\`\`\`json
{ "id": "1", "command": "incr", "properties": { "name": "web", "nb": 2, "waiting": true } }
\`\`\`

The name of the command is taken in any case. The reply has the same \`id\`, whatever its type, \`"status": "ok"\`, the
\`time\` in seconds since the epoch, and what the command has to say. With \`"msg_type": "cast"\` there is no reply at all.

A command with the property \`waiting\` is answered as soon as it has begun, or with \`waiting\` when it is done; replies
may come in another order than requests. What fails after its reply went out is only logged.

A refusal has \`"status": "error"\`, the \`reason\` as one sentence, a number, and perhaps a \`hint\` that goes on where the
reason has to be in Circus's words: \`did you mean "web"?\`

| errno | means |
| --- | --- |
| 1 | not JSON, or not UTF-8 |
| 2 | unknown command |
| 3 | the message is wrong: a property is missing, there is no such watcher or option, an option has the wrong type; or it is larger than 1 MiB |
| 4 | the system refused, as for the number of a signal that does not exist |
| 5 | a property has the wrong type, or the command could not begin |
| 6 | it failed after it had begun, told with \`waiting\` only |

JSON that is no object, or has no text as \`command\`, gets no reply, as in Circus. Messages of several frames are dropped.

**Names of watchers** are taken in any case. \`start\`, \`stop\` and \`restart\` take patterns: \`match\` says how they
are meant. \`glob\` means the whole name (\`*\`, \`?\`, \`[ab]\`, \`[!ab]\`), \`simple\` the plain name, \`regex\` the
beginning of a name. A pattern that fits several watchers starts only those with \`autostart\`.

Every command takes patterns, \`@GROUP\`, \`LABEL=VALUE\` and several of these as the \`name\`, or a list of texts as \`names\` in its place ([groups](../guides/groups.md)).
A name that there is always means that watcher. Otherwise the reply has \`replies\`: names to what the command would answer about that
watcher alone. When it refused, or failed, for one of them, the whole reply is a refusal with the same \`replies\`.

**Roles** say what a command may do at most: \`view\` looks, \`operate\` acts on what is there, \`admin\` changes what
runs. The daemon's own endpoint is for all of them; \`[endpoint:NAME]\` sections open further ones for less
([controller](../../plugins/controller/README.md#endpoints)).

**Jobs.** A command that changes something, and takes time, answers with \`job\`, its number, when it has begun; with \`waiting\`
when it is done. \`job\`, \`wait\` and \`cancel\` take that number.

## The commands
`;

/** A type in words. */
function typeOf({ type, anyOf, items, default: value }: Schema): string {
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (type === 'array') return `list${items ? ` of ${typeOf(items)}s` : ''}`;
  if (type === 'string') return 'text';
  if (type !== undefined) return type;
  return typeof value === 'boolean' ? 'boolean' : 'any';
}

/** What the command line calls it tells more than a schema that takes anything. */
const kinds: Readonly<Record<string, string>> = {
  flag: 'boolean',
  integer: 'integer',
  number: 'number',
  text: 'text',
  list: 'object',
};

function row({ words, flags }: Command, name: string, schema: Schema, required: boolean): string {
  const argument = [...words, ...flags].find((argument) => argument.name === name);
  const general = typeOf(schema);
  const type = general === 'any' && argument ? kinds[argument.kind] : general;
  const { default: value } = schema;
  const fallback = required ? 'required' : value === undefined ? '' : `\`${JSON.stringify(value)}\``;
  return `| \`${name}\` | ${type} | ${fallback} | ${schema.description ?? argument?.summary ?? ''} |`;
}

const sentence = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

function section(command: Command): string {
  const { jsonSchema } = command.properties['~standard'];
  const { properties = {}, required = [] } = (jsonSchema?.input({ target: 'draft-2020-12' }) ?? {}) as Schema;
  const rows = Object.entries(properties).map(([name, schema]) => row(command, name, schema, required.includes(name)));
  const usage = commandHelp(command).split('\n')[0]!.replace('Usage: ', '').replace('[options] ', '');
  const lists = command.words.filter(({ kind }) => kind === 'list');
  const table = ['| property | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
  return [
    `### ${command.name}`,
    `${sentence(command.summary)} Role: \`${command.role}\`.`,
    `\`\`\`sh\n${usage}\n\`\`\``,
    ...lists.map(({ name, summary }) => `\`${name.toUpperCase()}...\`: ${summary}.`),
    ...(rows.length > 0 ? [table] : []),
    `Reply: ${command.reply}.`,
  ].join('\n\n');
}

/** The whole page. */
export const commandsPage = (): string => `${introduction}\n${commands.map(section).join('\n\n')}\n`;
