/** From the words of a command line to a command with its words and flags. */
import type { Argument } from '#plugins/controller/command.js';
import { didYouMean } from '../config/problem.js';
import { exitCodes, Failure, usageFailure, type Reply } from './failure.js';
import { globalOptions, readGlobals, type GlobalValues } from './options.js';
import { findCommand, table, type CommandFacts } from './table.js';

/** What was asked. */
export interface CommandLine {
  readonly globals: GlobalValues;
  /** Undefined: the shell. */
  readonly command: CommandFacts | undefined;
  readonly words: readonly string[];
  readonly flags: ReadonlyMap<string, string | true>;
}

/** The help as a command, which no daemon knows. */
export const helpCommand: CommandFacts = {
  name: 'help',
  summary: 'tell how to use circusctl, or one of its commands',
  role: 'view',
  words: [{ name: 'command', kind: 'text', summary: 'one of them' }],
  flags: [],
  reply: '',
};

/** What brings configurations over from other supervisors; it asks no daemon either. */
export const importCommand: CommandFacts = {
  name: 'import',
  summary: 'print the configuration of another supervisor as an INI file for circusd',
  role: 'view',
  words: [{ name: 'files', kind: 'list', required: true, summary: 'what the other supervisor reads' }],
  flags: [
    { name: 'from', kind: 'text', summary: 'its kind, when the name of the file does not tell' },
    { name: 'env', kind: 'text', summary: 'the environment of an ecosystem file' },
  ],
  reply: '',
};

/** What makes keys for CURVE; it asks no daemon either. */
export const keygenCommand: CommandFacts = {
  name: 'keygen',
  summary: 'make the keys of a daemon or a client, for endpoints with curve = 1',
  role: 'view',
  words: [{ name: 'name', kind: 'text', required: true, summary: 'daemon, or what the client is to be called' }],
  flags: [
    { name: 'directory', kind: 'text', summary: 'where the files go; without it, where the daemon looks' },
    { name: 'authorize', kind: 'flag', summary: 'let the client in: also put its public key where the daemon looks' },
  ],
  reply: '',
};

/** The commands that are carried out here. */
export const localCommands: readonly CommandFacts[] = [helpCommand, importCommand, keygenCommand];

const isOption = (word: string) => /^-[^\d]/.test(word);

/** A command that is not known here; the daemon may have it from a plugin. */
export class UnknownCommand extends Failure {
  constructor(name: string, known: readonly CommandFacts[]) {
    const names = known.map((command) => command.name);
    super(exitCodes.usage, `error: unknown command "${name}"${didYouMean(name, names)}`);
  }
}

/** The command with this name, of ours or of `added`. @throws UnknownCommand with the nearest name */
export function commandNamed(name: string, added: readonly CommandFacts[] = []): CommandFacts {
  const others = [...localCommands, ...added];
  const found = findCommand(name) ?? others.find((command) => command.name === name);
  if (!found) throw new UnknownCommand(name, [...table, ...others]);
  return found;
}

const isFacts = (value: unknown): value is CommandFacts => {
  const { name, summary, words, flags } = Object(value) as Partial<CommandFacts>;
  return [name, summary].every((text) => typeof text === 'string') && [words, flags].every(Array.isArray);
};

/** The commands in a reply to `commands`; none in an error, which is what Circus answers. */
export function commandsIn({ commands }: Reply): readonly CommandFacts[] {
  return Array.isArray(commands) ? commands.filter(isFacts) : [];
}

/** Where the words of a program begin, after which only the command's own flags are ours (`add NAME CMD...`). */
const programAt = (command: CommandFacts | undefined) =>
  command?.words.findIndex(({ name, kind }) => kind === 'list' && name === 'cmd') ?? -1;

/** Reads a command line; options may stand anywhere, `--` ends them; `added` are the commands of plugins. @throws Failure */
export function readCommandLine(argv: readonly string[], added: readonly CommandFacts[] = []): CommandLine {
  const globals = new Map<string, string | true>();
  const flags = new Map<string, string | true>();
  const words: string[] = [];
  let command: CommandFacts | undefined;
  let literal = false;

  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    const program = programAt(command);
    const inProgram = program >= 0 && words.length > program;
    if (word === '--' && !literal && !inProgram) {
      literal = true;
      continue;
    }
    if (literal || !isOption(word)) {
      if (command) words.push(word);
      else command = commandNamed(word, added);
      continue;
    }
    const { name, value } = splitOption(word);
    // With hyphens too, as options mostly are.
    const own = command?.flags.find((flag) => flag.name === name || flag.name.replaceAll('_', '-') === name);
    if (inProgram && !own) {
      words.push(word);
      continue;
    }
    const option = own ?? globalOptions.find((option) => option.name === name);
    if (!option) throw unknownOption(word, command);
    const target = own ? flags : globals;
    if (option.kind !== 'flag') target.set(option.name, value ?? valueAfter(argv, at++));
    else if (value === undefined) target.set(option.name, true);
    else throw usageFailure(`option "--${name}" takes no value`);
  }
  return { globals: readGlobals(globals), command, words, flags };
}

/** The options that every command has, in a line whose command is not known yet. @throws Failure */
export function globalsIn(argv: readonly string[]): GlobalValues {
  const given = new Map<string, string | true>();
  for (const [at, word] of argv.entries()) {
    const { name, value } = splitOption(word);
    const option = isOption(word) && globalOptions.find((option) => option.name === name);
    if (option) given.set(name, option.kind === 'flag' || (value ?? argv[at + 1] ?? true));
  }
  return readGlobals(given);
}

function splitOption(word: string): { name: string; value: string | undefined } {
  const [, name = word, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  return { name: word === '-h' ? 'help' : name, value };
}

function valueAfter(argv: readonly string[], at: number): string {
  const value = argv[at + 1];
  if (value === undefined || isOption(value)) throw usageFailure(`option "${argv[at]}" needs a value`);
  return value;
}

function unknownOption(word: string, command: CommandFacts | undefined) {
  const [name = word] = word.split('=');
  const known = (options: readonly Argument[]) => options.map((option) => `--${option.name}`);
  const near = didYouMean(name, known([...(command?.flags ?? []), ...globalOptions]));
  const taker = near === '' && !command && table.find(({ flags }) => known(flags).includes(name));
  return usageFailure(
    taker
      ? `option "${name}" belongs after its command`
      : `unknown option "${name}"${command ? ` of ${command.name}` : ''}${near}`,
  );
}
