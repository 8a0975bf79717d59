/** Requests that mean several watchers: which ones, what is begun for each, and the reply with a part for each. */
import { CircusError, type Operation, type Report, type Watcher } from '#core';
import { nearest } from '../nearest.js';
import { groupsOf, isSelector, labelsOf, like, readSelector, type Subject, type Term } from '../selector.js';
import type { Command, CommandContext, Fields } from './command.js';
import { innerPlugin, innerPlugins } from './inner.js';
import type { Job } from './jobs.js';
import { notFound } from './match.js';
import { asRequestError, quoted, RequestError } from './protocol.js';
import type { InnerPlugin } from './service.js';

/** More parts than any person writes: each is compared with all names. */
const mostTerms = 250;
const longestSelector = 8192;
/** How many failures the reason of a reply tells. */
const mostTold = 3;

/** Where watchers are looked for. */
export type Around = Pick<CommandContext, 'arbiter' | 'asker' | 'configuration'>;

type Candidate = Watcher | InnerPlugin;

/** What selectors know of a watcher; plugins are in no group. */
const subjectOf = (one: Candidate): Subject =>
  'spec' in one ? { name: one.name, options: one.spec.options } : { name: one.name };

/** Finds watchers, and plugins that Circus runs as such, by what a request calls them. */
class Finder {
  readonly #all: readonly Candidate[];
  readonly #subjects: readonly Subject[];
  readonly #byName: ReadonlyMap<string, Candidate>;
  #terms = 0;

  constructor(context: Around, ofPlugins: boolean) {
    this.#all = [...context.arbiter.watchers, ...(ofPlugins ? innerPlugins(context) : [])];
    this.#subjects = this.#all.map(subjectOf);
    this.#byName = new Map(this.#all.map((one) => [one.name.toLowerCase(), one]));
  }

  /** True for what has exactly this name, without regard to case. */
  has(name: string): boolean {
    return this.#byName.has(name.toLowerCase());
  }

  /** The names of what these texts mean, in the order in which there are watchers. @throws RequestError when one means nothing */
  find(texts: readonly string[]): readonly string[] {
    const meant = new Set(texts.flatMap((text) => this.#byName.get(text.toLowerCase()) ?? this.#chosen(text)));
    return this.#all.filter((one) => meant.has(one)).map(({ name }) => name);
  }

  /** The names of those that are like a text as one pattern. */
  alike(text: string): readonly string[] {
    const isLike = like(text);
    return this.#all.map(({ name }) => name).filter(isLike);
  }

  #chosen(text: string): readonly Candidate[] {
    if (text.length > longestSelector) throw tooLong();
    const terms = readSelector(text);
    this.#terms += terms.length;
    if (this.#terms > mostTerms) throw new RequestError(5, `what means watchers has at most ${mostTerms} parts`);
    if (terms.length === 0) throw notFound(text, []);
    return terms.flatMap((term) => {
      const found = this.#all.filter((_, at) => term.matches(this.#subjects[at]!));
      if (found.length === 0) throw nothingFound(term, this.#subjects);
      return found;
    });
  }
}

/** That nothing is meant by a part of a selector, and what probably was. */
function nothingFound({ text, kind }: Term, all: readonly Subject[]): RequestError {
  const refusal = (reason: string, meant: string | undefined) =>
    new RequestError(3, reason, meant === undefined ? {} : { hint: `did you mean "${meant}"?` });
  if (kind === 'group') {
    const groups = all.flatMap(groupsOf).map((group) => `@${group}`);
    return refusal(`no watcher is in group ${quoted(text.slice(1))}`, nearest(text, groups));
  }
  if (kind === 'labels') {
    const labels = all.flatMap((one) => Object.entries(labelsOf(one)).map(([name, value]) => `${name}=${value}`));
    return refusal(`no watcher has the labels ${quoted(text)}`, nearest(text, labels));
  }
  if (text.includes('='))
    return refusal(`${quoted(text)} chooses no label: that is NAME=VALUE, or NAME!=VALUE`, undefined);
  return notFound(text, kind === 'name' ? all : []);
}

/** The watchers that a text means, at least one; a name that there is always means that one. @throws RequestError */
export const meant = (text: string, context: Around): readonly string[] => new Finder(context, false).find([text]);

/**
 * The watchers that a request means otherwise than by the name of one, by `name`, or by a list of texts, `names`; undefined
 * when it names one, or says nothing, or when it is for the command to say that there is no such watcher, in Circus's
 * words. @throws RequestError
 */
export function severalIn(command: Command, properties: unknown, context: Around): readonly string[] | undefined {
  if (!command.words.some(({ kind }) => kind === 'names')) return undefined;
  const { name, names, match } = Object(properties) as Readonly<Record<string, unknown>>;
  if (name === undefined && names !== undefined) return listed(names, finderFor(command, context));
  if (typeof name !== 'string' || isOne(name, command, context)) return undefined;
  const matches = command.flags.some((flag) => flag.name === 'match');
  if (matches && match !== undefined && match !== 'glob') return undefined;
  if (name.length > longestSelector) {
    if (isSelector(name)) throw tooLong();
    return undefined;
  }
  const finder = finderFor(command, context);
  // Patterns are Circus's where it has them, and the reply is as in Circus.
  const alike = /[*?[]/.test(name) ? finder.alike(name) : [];
  if (alike.length > 0) return matches ? undefined : alike;
  const terms = readSelector(name);
  const [{ kind } = { kind: 'name' }] = terms;
  const isPattern = terms.length === 1 && kind === 'glob' && !name.includes('=');
  // Whoever knows no selectors has a name with a blank in it, which is another one or gone by now.
  const isList = isSelector(name) || (terms.length > 1 && terms.every(({ text }) => finder.has(text)));
  return isPattern || !isList ? undefined : finder.find([name]);
}

const finderFor = ({ ofPlugins }: Command, context: Around) => new Finder(context, ofPlugins === true);

/** True for the name of a watcher, or of a plugin where the command is for these too. */
const isOne = (name: string, { ofPlugins }: Command, context: Around): boolean =>
  context.arbiter.find(name) !== undefined || (ofPlugins === true && innerPlugin(context, name) !== undefined);

function listed(names: unknown, finder: Finder): readonly string[] {
  if (Array.isArray(names) && names.length > 0 && names.every((text) => typeof text === 'string'))
    return finder.find(names);
  throw new RequestError(5, "'names' is a list of texts");
}

const tooLong = () => new RequestError(5, `what means watchers has at most ${longestSelector} characters`);

/** The properties of a request for one of the watchers that it means. */
export function aboutOne(properties: unknown, name: string): Fields {
  const { names: _, ...rest } = Object(properties) as Fields;
  return { ...rest, name };
}

/** What was begun for one watcher: it is done, or being done. */
export type Begun = { readonly fields: Fields } | { readonly work: Promise<Fields> };

/** The part of a watcher in a reply, which is the reply that it would get alone. */
const succeeded = (fields: Fields): Fields => ({ status: 'ok', ...fields });

function failed(error: unknown, begun: boolean): Fields {
  const { errno, message, hint } = asRequestError(error, begun);
  return { status: 'error', reason: message, ...(hint === undefined ? {} : { hint }), errno };
}

/** Parts by the names of the watchers; those that are still to come are promises. */
export type Parts = ReadonlyMap<string, Fields | Promise<Fields>>;

/** Begins something for each of these watchers; what fails is told in its part, and keeps nothing from the others. */
export async function beginEach(
  names: readonly string[],
  begin: (name: string) => Begun | Promise<Begun>,
): Promise<Parts> {
  const all = names.map(async (name): Promise<readonly [string, { readonly part: Fields | Promise<Fields> }]> => {
    try {
      const begun = await begin(name);
      const done = 'fields' in begun;
      const part = done ? succeeded(begun.fields) : begun.work.then(succeeded, (error: unknown) => failed(error, true));
      return [name, { part }];
    } catch (error) {
      return [name, { part: failed(error, false) }];
    }
  });
  return new Map((await Promise.all(all)).map(([name, { part }]) => [name, part]));
}

/** The reply of several parts. @throws RequestError with the parts when one of them tells of a failure */
export function joined(replies: Readonly<Record<string, Fields>>): Fields {
  const failures = Object.entries(replies).filter(([, { status }]) => status === 'error');
  if (failures.length === 0) return { replies };
  const told = failures.slice(0, mostTold).map(([name, { reason }]) => `${name}: ${String(reason)}`);
  const more = failures.length > mostTold ? [`${failures.length - mostTold} more failed`] : [];
  const [[, { errno }]] = failures as [[string, Fields]];
  throw new RequestError(errno as RequestError['errno'], [...told, ...more].join('; '), { replies });
}

/** Resolves with the reply when all parts are there. @throws RequestError */
export async function whole(parts: Parts): Promise<Fields> {
  const all = [...parts].map(async ([name, part]) => [name, await part] as const);
  return joined(Object.fromEntries(await Promise.all(all)));
}

/** What there is to say before that: of a part that is still to come, by which job. @throws RequestError */
export function soFar(parts: Parts, job: Fields): Fields {
  const isOver = (part: Fields | Promise<Fields>): part is Fields => !(part instanceof Promise);
  const all = [...parts].map(([name, part]) => [name, isOver(part) ? part : succeeded(job)] as const);
  return { ...joined(Object.fromEntries(all)), ...([...parts.values()].every(isOver) ? {} : job) };
}

/**
 * Deals with watchers along their order, and tells of each by what its operations did; what has another name, as plugins
 * have, is left to whoever asks.
 */
export function takeTogether(
  { act, tell, applies, brings }: NonNullable<Command['together']>,
  names: readonly string[],
  checked: unknown,
  context: CommandContext,
  job: Job,
): ReadonlyMap<string, Begun> | undefined {
  if (applies?.(checked) === false) return undefined;
  const watchers = names.flatMap((name) => context.arbiter.find(name) ?? []);
  const isOut = ({ disabled }: Watcher) => brings !== undefined && disabled !== undefined;
  const meant = watchers.filter((watcher) => !isOut(watcher));
  const operations = (job.operations = new Set());
  const acted = (async () => act(meant, checked, context))();
  const { stopping } = context.arbiter;
  const all = watchers.map((watcher): [string, Begun] => {
    const { name, disabled = '' } = watcher;
    const work = isOut(watcher)
      ? Promise.reject(new CircusError('ERR_WATCHER_DISABLED', [name, disabled, brings!]))
      : acted.then(async () => tell(watcher, await reportOf(watcher, operations, stopping)));
    return [name, { work }];
  });
  const forget = () => (job.operations = undefined);
  acted.then(forget, forget);
  return new Map(all);
}

/** What operations did to one watcher. @throws the error of the one that failed */
async function reportOf({ name }: Watcher, operations: Iterable<Operation>, stopping: boolean): Promise<Report> {
  const own = [...operations].filter(({ watcher }) => watcher === name);
  if (own.length === 0)
    throw new RequestError(
      6,
      `nothing was done, as ${stopping ? 'the daemon is stopping' : 'it was stopped meanwhile'}`,
    );
  const reports = await Promise.all(own.map(({ result }) => result));
  const all = (key: 'started' | 'stopped') => reports.flatMap((report) => report[key]);
  return { started: all('started'), stopped: all('stopped'), kept: reports.at(-1)!.kept };
}
