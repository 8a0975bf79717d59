/** From the words and flags of a command to the properties of its request. */
import type { Argument } from '#plugins/controller/command.js';
import { isSelector } from '#plugins/selector.js';
import { exitCodes, Failure } from './failure.js';
import { usageLine } from './help.js';
import { readPairs } from './settings.js';
import type { CommandFacts } from './table.js';

/** The properties of a request. */
export type Properties = Readonly<Record<string, unknown>>;

/** What the table of commands does not say. */
interface Peculiarity {
  /** What is sent where nothing is given. */
  readonly defaults?: Properties;
  /** The last word on the properties. @throws Failure */
  readonly finish?: (properties: Properties) => Properties;
  /** Circus's words for a wrong number of arguments. */
  readonly miscounted?: string;
}

const glob = { defaults: { match: 'glob' } };
/** Digits are a number, anything else is a name. */
const numbered = ({ signum, ...rest }: Properties): Properties =>
  typeof signum === 'string' ? { ...rest, signum: /^\d+$/.test(signum) ? Number(signum) : signum } : rest;

const peculiarities: Readonly<Record<string, Peculiarity>> = {
  start: glob,
  stop: glob,
  restart: glob,
  enable: glob,
  disable: {
    ...glob,
    finish: ({ reason, ...rest }) =>
      reason === undefined ? rest : { ...rest, reason: (reason as string[]).join(' ') },
  },
  // What it changes is in its reply.
  rollback: { finish: (properties) => ({ ...properties, waiting: true }) },
  reload: { finish: ({ terminate, ...rest }) => ({ ...rest, graceful: !terminate }) },
  set: { finish: ({ options, ...rest }) => ({ ...rest, options: readPairs(options as string[]) }) },
  add: { finish: ({ cmd, ...rest }) => ({ ...rest, cmd: commandLine(cmd as string[]) }) },
  signal: { finish: numbered },
  kill: { finish: numbered },
  options: { miscounted: 'number of arguments invalid' },
  status: { miscounted: 'message invalid' },
  dstats: { miscounted: 'Invalid message' },
};

/** The properties to send. @throws Failure when words are too few or too many, or are not what they should be */
export function propertiesOf(
  command: CommandFacts,
  given: readonly string[],
  flags: ReadonlyMap<string, string | true>,
): Properties {
  const { defaults = {}, finish = (all: Properties) => all, miscounted } = peculiarities[command.name] ?? {};
  const names = severalNames(command, given);
  const words = names ? [names[0]!, ...given.slice(names.length)] : given;
  const needed = command.words.filter(({ required }) => required).length;
  const open = command.words.some(({ kind }) => kind === 'list');
  if (words.length < needed || (!open && words.length > command.words.length))
    throw new Failure(exitCodes.failed, miscounted ?? 'Invalid number of arguments', undefined, usageLine(command));

  const properties: Record<string, unknown> = { ...defaults };
  let at = 0;
  let spare = words.length - needed;
  for (const argument of command.words) {
    if (argument.kind === 'list') {
      if (at < words.length) properties[argument.name] = words.slice(at);
      at = words.length;
    } else if (argument.required || spare-- > 0) {
      properties[argument.name] = converted(argument, words[at++]!);
    }
  }
  if (names && names.length > 1) {
    delete properties.name;
    properties.names = names;
  }
  for (const flag of command.flags) {
    const value = flags.get(flag.name);
    if (flag.kind === 'flag') properties[flag.name] = value === true;
    else if (value !== undefined) properties[flag.name] = converted(flag, String(value));
  }
  return finish(properties);
}

/**
 * The words that mean watchers, where several do; undefined where only one may. Whoever has Circus's habits writes one
 * name and gets Circus's errors for more: one of several must be a pattern, `@GROUP` or labels.
 */
function severalNames({ words: [name, ...others] }: CommandFacts, given: readonly string[]) {
  if (name?.kind !== 'names' || others.some(({ kind }) => kind === 'list') || !given.some(isSelector)) return undefined;
  const names = [...given];
  for (const { kind, required } of others.toReversed())
    if (names.length > 1 && (required || numbers[kind]?.form.test(names.at(-1)!.trim()))) names.pop();
  return names;
}

const numbers: Partial<Record<Argument['kind'], { readonly form: RegExp; readonly what: string }>> = {
  integer: { form: /^[+-]?\d+$/, what: 'a whole number' },
  number: { form: /^[+-]?(\d+\.?\d*|\.\d+)$/, what: 'a number' },
};

function converted({ name, kind }: Argument, text: string): string | number {
  const number = numbers[kind];
  if (!number) return text;
  if (number.form.test(text.trim())) return Number(text);
  throw new Failure(exitCodes.failed, `'${name}' must be ${number.what}, and is "${text}"`);
}

/** The words of a program as one line; the first may be a whole line itself, as in Circus. */
function commandLine([first = '', ...words]: readonly string[]): string {
  const quoted = words.map((word) => (/[\s'"\\]|^$/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : word));
  return [first, ...quoted].join(' ');
}
