/** The text of cli/ctl/table.ts, from what the commands declare. */
import type { CommandFacts } from '../../../cli/ctl/table.js';
import { everyCommand } from './every-command.js';

const literal = (value: unknown): string =>
  Array.isArray(value)
    ? `[${value.map(literal).join(', ')}]`
    : typeof value === 'object' && value !== null
      ? `{ ${Object.entries(value)
          .map(([key, inner]) => `${key}: ${literal(inner)}`)
          .join(', ')} }`
      : JSON.stringify(value);

/** The whole file. */
export async function tableSource(): Promise<string> {
  const rows = everyCommand.map(({ name, role, summary, words, flags, reply }) => {
    const facts: CommandFacts = { name, role, summary, reply, words, flags };
    return `  ${literal(facts).replaceAll(/, (words|flags): \[/g, ',\n    $1: [')},`;
  });
  return `/**
 * What the command line needs of the table of commands, copied from where plugins declare them: loading those would cost
 * each call of circusctl the kernel, its system calls and a validation library, 16 ms. Not written by hand:
 * test/cli/ctl/table.test.ts compares it, and says how to write it anew.
 */
import type { Command } from '#plugins/controller/command.js';

/** A command as the command line knows it. */
export type CommandFacts = Pick<Command, 'name' | 'summary' | 'role' | 'words' | 'flags' | 'reply'>;

/** All commands, by name. */
// prettier-ignore
export const table: readonly CommandFacts[] = [
${rows.join('\n')}
];

/** The command with this name. */
export const findCommand = (name: string): CommandFacts | undefined => table.find((command) => command.name === name);
`;
}
