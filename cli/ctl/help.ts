/** The help, made from the table of commands. */
import type { Argument } from '#plugins/controller/command.js';
import { localCommands } from './command-line.js';
import { globalOptions, type GlobalOption } from './options.js';
import { table, type CommandFacts } from './table.js';

const gap = 2;

/** Two columns; the second is broken at the width of a terminal. */
function columns(rows: readonly (readonly [string, string])[], width = 80): string {
  const first = Math.max(...rows.map(([left]) => left.length)) + 2 * gap;
  return rows
    .map(([left, right]) => {
      const [line = '', ...more] = broken(right, width - first);
      return [`${' '.repeat(gap)}${left}`.padEnd(first) + line, ...more.map((text) => ' '.repeat(first) + text)].join(
        '\n',
      );
    })
    .join('\n');
}

function broken(text: string, width: number): string[] {
  const all: string[] = [];
  for (const word of text.split(' ')) {
    const last = all.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) all.push(word);
    else all[all.length - 1] = `${last} ${word}`;
  }
  return all;
}

function wordForm({ name, kind, required }: Argument): string {
  const form = `${name.toUpperCase()}${kind === 'list' ? '...' : ''}`;
  return required ? form : `[${form}]`;
}

const usage = ({ name, words }: CommandFacts) => [name, ...words.map(wordForm)].join(' ');

function optionForm({ name, kind, value }: GlobalOption): string {
  return kind === 'flag' ? `--${name}` : `--${name} ${value ?? name.toUpperCase()}`;
}

const optionRows = (options: readonly GlobalOption[]) =>
  columns(options.map((option) => [optionForm(option), option.summary]));

const commandRows = (commands: readonly CommandFacts[]) =>
  columns(commands.map((command) => [usage(command), command.summary]));

/** The commands that plugins have added, each with its words and what it is for. */
export const addedHelp = (commands: readonly CommandFacts[]): string =>
  commands.length === 0 ? 'no plugin has added a command' : commandRows(commands);

/** The help of circusctl itself. */
export function generalHelp(): string {
  const commands = [...table, ...localCommands].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `Usage: circusctl [options] [COMMAND [ARGUMENTS]]

Asks a circusd what it does, or to do something. Without a command: a shell.

Commands:
${commandRows(commands)}

Options, before or after the command; -- ends them:
${optionRows(globalOptions)}

Exit codes: 0 done, 1 no answer or wrong arguments, 2 wrong usage, 3 refused by the daemon.
"circusctl help COMMAND" tells more about one command, "circusctl commands" what plugins have added.
`;
}

/** How a command is written. */
export const usageLine = (command: CommandFacts): string =>
  `Usage: circusctl [options] ${usage(command)}${command.flags.map((flag) => ` [${optionForm(flag)}]`).join('')}`;

/** The help of one command. */
export function commandHelp(command: CommandFacts): string {
  const { summary, words, flags, reply } = command;
  const parts = [usageLine(command), `${summary[0]!.toUpperCase()}${summary.slice(1)}.`];
  if (words.length > 0)
    parts.push(`Arguments:\n${columns(words.map((word) => [word.name.toUpperCase(), word.summary]))}`);
  if (flags.length > 0) parts.push(`Options:\n${optionRows(flags)}`);
  if (reply) parts.push(`The reply, as --json shows it, holds ${reply}.`);
  return `${parts.join('\n\n')}\n`;
}
