/** How a command is declared: once, for the wire, the command line, its help and the references. */
import type { Arbiter, OptionsSchema, Report, Watcher } from '#core';
import * as v from 'valibot';
import { integer, standard } from '../schema.js';
import type { Asker } from './asker.js';
import type { Jobs } from './jobs.js';
import { RequestError } from './protocol.js';
import type { Records } from './records.js';
import type { ConfigurationService } from './service.js';

/** What a command may do at most: look, act on what is there, or change what runs. */
export type Role = 'view' | 'operate' | 'admin';

/** The fields of a successful reply. */
export type Fields = Readonly<Record<string, unknown>>;

/** What a command acts on, and who asked. */
export interface CommandContext {
  readonly arbiter: Arbiter;
  readonly settings: Settings;
  /** Where the daemon's configuration can be read again; undefined when it was not started from a file. */
  readonly configuration: ConfigurationService | undefined;
  readonly records: Records;
  readonly publish: (watcher: string, event: string, facts?: Fields) => void;
  /** The one user as whom clients may have programs run; undefined: any. */
  readonly owner: string | undefined;
  /** What was asked for, and how far it is. */
  readonly jobs: Jobs;
  /** Names the one who asked in operations: no two requests that change something have the same. */
  readonly by: string;
  /** Who asked, and what that may do; `arbiter` has only the watchers that it is for. */
  readonly asker: Asker;
  /** The commands that plugins have added. */
  readonly added: readonly Command[];
}

/** The values that `globaloptions` reports. */
export interface Settings {
  readonly endpoint: string;
  readonly stats_endpoint: string;
  readonly pubsub_endpoint: string;
  readonly check_delay: number;
  readonly multicast_endpoint: string;
}

/**
 * One word or flag of a command on the command line; `list` takes all words that are left. The value of `names` is a
 * watcher, or several: then the command is run for each, which it need not know of.
 */
export interface Argument {
  readonly name: string;
  readonly kind: 'text' | 'names' | 'integer' | 'number' | 'list' | 'flag';
  readonly required?: boolean;
  readonly summary: string;
}

/** A declared command. */
export interface Command<P = unknown> {
  readonly name: string;
  /** One line of help. */
  readonly summary: string;
  readonly role: Role;
  /** True when it is about the whole daemon: it is refused where an endpoint is for some watchers only. */
  readonly wide?: boolean;
  /** True when its `name` may be that of a plugin that Circus runs as a watcher. */
  readonly ofPlugins?: true;
  /** True for a command that is no job, though not everybody may give it: it is about other requests, or changes nothing. */
  readonly isNoJob?: boolean;
  /** Any Standard Schema that answers at once; its JSON Schema is for the references. */
  readonly properties: OptionsSchema<P>;
  /** Words of the command line, in order. */
  readonly words: readonly Argument[];
  readonly flags: readonly Argument[];
  /** What the reply holds, in words. */
  readonly reply: string;
  /**
   * What has to be there before it runs, such as a plugin; the request is answered after it, with `waiting` or without.
   * Undefined when all is there. @throws RequestError
   */
  prepare?(properties: P, context: CommandContext): Promise<void> | undefined;
  /**
   * Answers with the fields of the reply, or with a promise of them. A promise is answered when it settles; that of a
   * command with the flag `waiting` only if the request sets it, else the answer goes out when `run` returns.
   * @throws RequestError
   */
  run(properties: P, context: CommandContext): Fields | Promise<Fields>;
  /** How several watchers are dealt with where their order counts; without it, `run` is called for one after the other. */
  readonly together?: Together<P>;
}

/** Does something to several watchers along their order, by operations. */
export interface Together<P> {
  /** False: these properties are for each watcher by itself. */
  applies?(properties: P): boolean;
  /** What it is called where it would start a watcher: one that is disabled refuses it. */
  readonly brings?: string | undefined;
  act(watchers: readonly Watcher[], properties: P, context: CommandContext): Promise<unknown>;
  /** What the reply to a request for one of them would be, from what its operations did. */
  tell(watcher: Watcher, report: Report): Fields;
}

/** Types a command by its properties. */
export function defineCommand<P>(command: Command<P>): Command {
  return command;
}

/** The properties of a command, key by key. */
export const object = <E extends v.ObjectEntries>(entries: E) => standard(v.object(entries));

const must = (message: string) => () => message;

/** The name of a watcher. */
export const name = () => v.string(must("'name' is a text"));
/** A value of any type, which counts as true or false as in Circus; `about` is for the references. */
export const truth = (fallback: boolean, about: string) =>
  v.optional(v.pipe(v.unknown(), v.description(about)), fallback);
/** Any value; `about` is for the references. */
export const anything = (about: string) => v.pipe(v.unknown(), v.description(about));
/** Answer when the work is done, not when it has begun. */
export const waiting = () => truth(false, 'answer when it is done');
/** The flag for it on the command line. */
export const waitingFlag: Argument = { name: 'waiting', kind: 'flag', summary: 'answer when it is done' };
export const nameWord: Argument = {
  name: 'name',
  kind: 'names',
  required: true,
  summary: 'a watcher, or several: a pattern, @GROUP, LABEL=VALUE, or a list of these',
};
export const anyName: Argument = {
  name: 'name',
  kind: 'names',
  summary: 'a watcher, or several, as a pattern, @GROUP, LABEL=VALUE or a list; all without it',
};
/** The name of a watcher that there is not yet. */
export const newName: Argument = { name: 'name', kind: 'text', required: true, summary: 'what it is to be called' };

/** A schema with a word about it for the references. */
export const described = <S extends v.GenericSchema>(schema: S, about: string) => v.pipe(schema, v.description(about));

/** A pid, also as text. */
export const pid = (property: string) => integer(must(`'${property}' is not a process id`));

/** The properties of a request after the command's own check. @throws RequestError */
export function checkProperties<P>(command: Command<P>, given: unknown): P {
  const takesNone = command.words.length === 0 && command.flags.length === 0;
  const properties = Array.isArray(given) || (takesNone && (typeof given !== 'object' || given === null)) ? {} : given;
  if (typeof properties !== 'object' || properties === null) throw new RequestError(5, "'properties' is not an object");
  const result = command.properties['~standard'].validate(properties);
  if (result instanceof Promise) throw new RequestError(5, `the properties of "${command.name}" are checked too late`);
  if (!result.issues) return result.value;
  const [issue] = result.issues;
  const [key, ...deeper] = (issue?.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  if (key !== undefined && deeper.length === 0 && !Object.hasOwn(properties, key))
    throw new RequestError(3, `message invalid '${String(key)}' is missing`);
  throw new RequestError(5, issue?.message ?? 'the properties are not valid');
}
