/** How a command is declared: once, for the wire, the command line, its help and the references. */
import type { Arbiter } from '#core';
import * as v from 'valibot';
import { RequestError } from './protocol.js';

/** What a command may do at most: look, act on what is there, or change what runs. */
export type Role = 'view' | 'operate' | 'admin';

/** The fields of a successful reply. */
export type Fields = Readonly<Record<string, unknown>>;

/** Work that takes time: a reply comes at once, or after it with `waiting`. */
export class Later {
  readonly work: Promise<Fields>;

  constructor(work: Promise<Fields>) {
    this.work = work;
    this.work.catch(() => undefined);
  }
}

/** What a command acts on, and who asked. */
export interface CommandContext {
  readonly arbiter: Arbiter;
  readonly settings: Settings;
  readonly publish: (watcher: string, event: string, facts?: Fields) => void;
  /** Names the one who asked in operations. */
  readonly by: string;
}

/** The values that `globaloptions` reports. */
export interface Settings {
  readonly endpoint: string;
  readonly stats_endpoint: string;
  readonly pubsub_endpoint: string;
  readonly check_delay: number;
  readonly multicast_endpoint: string;
}

/** One word or flag of a command on the command line; `list` takes all words that are left. */
export interface Argument {
  readonly name: string;
  readonly kind: 'text' | 'integer' | 'list' | 'flag';
  readonly required?: boolean;
  readonly summary: string;
}

/** A declared command. */
export interface Command<P = unknown> {
  readonly name: string;
  /** One line of help. */
  readonly summary: string;
  readonly role: Role;
  readonly properties: v.GenericSchema<unknown, P>;
  /** Words of the command line, in order. */
  readonly words: readonly Argument[];
  readonly flags: readonly Argument[];
  /** What the reply holds, in words. */
  readonly reply: string;
  run(properties: P, context: CommandContext): Fields | Later;
}

/** Types a command by its properties. */
export function defineCommand<P>(command: Command<P>): Command {
  return command as Command;
}

const must = (message: string) => () => message;

/** The name of a watcher. */
export const name = () => v.string(must("'name' is a text"));
/** Answer when the work is done, not when it has begun. */
export const waiting = () => v.optional(v.unknown(), false);
/** The flag for it on the command line. */
export const waitingFlag: Argument = { name: 'waiting', kind: 'flag', summary: 'answer when it is done' };
export const nameWord: Argument = { name: 'name', kind: 'text', required: true, summary: 'a watcher' };
export const anyName: Argument = { name: 'name', kind: 'text', summary: 'a watcher; all without it' };

/** A pid, also as text. */
export const pid = (property: string) =>
  v.pipe(
    v.union(
      [v.pipe(v.number(), v.integer()), v.pipe(v.string(), v.regex(/^\s*\d+\s*$/))],
      `'${property}' is not a process id`,
    ),
    v.transform(Number),
  );

/** The properties of a request after the command's own check. @throws RequestError */
export function checkProperties<P>(command: Command<P>, given: unknown): P {
  const takesNone = command.words.length === 0 && command.flags.length === 0;
  const properties = Array.isArray(given) || (takesNone && (typeof given !== 'object' || given === null)) ? {} : given;
  if (typeof properties !== 'object' || properties === null) throw new RequestError(5, "'properties' is not an object");
  const result = v.safeParse(command.properties, properties, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const key = v.getDotPath(issue);
  if (key !== null && !key.includes('.') && !Object.hasOwn(properties, key))
    throw new RequestError(3, `message invalid '${key}' is missing`);
  throw new RequestError(5, issue.message);
}
