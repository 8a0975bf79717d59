/** From a request to its reply: finds the command, checks the properties, and answers when it is time. */
import { reasonOf, sleep } from '#core';
import { checkPermission, restricted, type Asker } from './asker.js';
import type { Audit } from './audit.js';
import {
  checkProperties,
  type Argument,
  type Command,
  type CommandContext,
  type Fields,
  type Role,
} from './command.js';
import { refuseInner } from './inner.js';
import type { Job } from './jobs.js';
import {
  asRequestError,
  decodeRequest,
  encodeError,
  encodeReply,
  isWatcherNotFound,
  quoted,
  RequestError,
  watcherNotFound,
  type Request,
} from './protocol.js';
import { aboutOne, beginEach, severalIn, soFar, takeTogether, whole, type Begun } from './several.js';

/** What all requests share: the rest of their context depends on who asks. */
export type SharedContext = Omit<CommandContext, 'by' | 'asker' | 'added'>;

/** How many answers to one endpoint may be still to come: each keeps its request's id, also when its client is gone. */
const mostOpen = 10_000;

/** The command table and what commands act on. */
export class Dispatcher {
  readonly commands = new Map<string, Command>();
  readonly #context: SharedContext;
  readonly #audit: Audit;
  readonly #own: ReadonlySet<Command>;
  /** What plugins have added. */
  #added: readonly Command[] = [];
  readonly #contexts = new WeakMap<Asker, CommandContext>();
  /** Answers that are still to come. */
  readonly #open = new Map<Asker, Set<Promise<unknown>>>();

  constructor(commands: readonly Command[], context: SharedContext, audit: Audit) {
    for (const command of commands) this.commands.set(command.name, command);
    this.#own = new Set(commands);
    this.#context = context;
    this.#audit = audit;
  }

  /** Adds a command until the returned function is called. @throws Error when it is none, or its name is taken */
  add(command: Command): () => void {
    const { name } = command;
    const wrong = objection(command);
    if (wrong !== undefined) throw new TypeError(`command "${name}" ${wrong}`);
    if (this.commands.has(name)) throw new Error(`command "${name}" exists already`);
    this.commands.set(name, command);
    this.#added = [...this.#added, command];
    return () => {
      if (this.commands.get(name) === command) this.commands.delete(name);
      this.#added = this.#added.filter((one) => one !== command);
    };
  }

  /**
   * Executes one command; work that takes time is answered when it has begun, with the number of its job, or with
   * `waiting` when it is done. @throws RequestError
   */
  execute(name: string, properties: unknown, asker: Asker): Fields | Promise<Fields> {
    const refuse = (error: unknown): never => {
      throw this.#located(error, properties, asker);
    };
    try {
      const fields = this.#execute(name, properties, asker);
      return isPromise(fields) ? fields.catch(refuse) : fields;
    } catch (error) {
      return refuse(error);
    }
  }

  /** With the place where it is written, where the configuration has the watcher that was not found, and left it out. */
  #located(error: unknown, properties: unknown, { sees = () => true }: Asker): unknown {
    const name = watcherIn(properties);
    if (name === undefined || !isWatcherNotFound(error) || !sees(name)) return error;
    const place = this.#context.configuration?.leftOut(name);
    return place === undefined ? error : watcherNotFound(name, `left out because of an error, ${place}`);
  }

  #execute(name: string, properties: unknown, asker: Asker): Fields | Promise<Fields> {
    const command = this.commands.get(name.toLowerCase());
    if (!command) throw unknown(name);
    const isJob = command.role !== 'view' && !command.isNoJob;
    try {
      checkPermission(asker, command, this.#own.has(command));
    } catch (error) {
      if (isJob) this.#audit.refused(asker, command.name);
      throw error;
    }
    const context = this.#contextOf(asker);
    const names = severalIn(command, properties, context);
    const given = names ? aboutOne(properties, names[0]!) : properties;
    const asked = { command, checked: checkProperties(command, given), given, context };
    if (!isJob) return this.#run(asked, names);
    const job = this.#context.jobs.begin(command, asker.name, nameIn(properties), names);
    void job.over.then(() => this.#audit.over(asker, job, properties));
    return this.#run({ ...asked, context: { ...context, by: job.by }, job }, names);
  }

  /** What a command gets; it is the same for all requests that come the same way. */
  #contextOf(asker: Asker): CommandContext {
    const known = this.#contexts.get(asker);
    if (known?.added === this.#added) return known;
    const { sees } = asker;
    const arbiter = sees ? restricted(this.#context.arbiter, sees) : this.#context.arbiter;
    const context = { ...this.#context, arbiter, by: asker.name, asker, added: this.#added };
    this.#contexts.set(asker, context);
    return context;
  }

  #run(asked: Asked, names: readonly string[] | undefined): Fields | Promise<Fields> {
    const fail = (error: unknown): never => {
      asked.job?.finish('failed', reasonOf(error));
      throw error;
    };
    if (names) return this.#each(asked, names);
    try {
      const begun = begin(asked);
      return isPromise(begun)
        ? begun.then((work) => this.#answer(asked, work)).catch(fail)
        : this.#answer(asked, begun);
    } catch (error) {
      return fail(error);
    }
  }

  /** Answers with the fields or, where that is asked for, before the work on them is done. */
  #answer({ given, command, job }: Asked, begun: Begun): Fields | Promise<Fields> {
    if ('fields' in begun) {
      job?.finish('done');
      return begun.fields;
    }
    const { work } = begun;
    this.#follow(job, work);
    if (!waitsFor(command, given)) return job ? { job: job.id } : {};
    return work.catch((error: unknown) => {
      throw asRequestError(error, true);
    });
  }

  /** Does it for each of these watchers, and answers with a part for each. */
  async #each(asked: Asked, names: readonly string[]): Promise<Fields> {
    const { command, checked, given, context, job } = asked;
    const inOrder = job && command.together && takeTogether(command.together, names, checked, context, job);
    const one = (name: string): Begun | Promise<Begun> => {
      const own = aboutOne(given, name);
      return inOrder?.get(name) ?? begin({ ...asked, checked: checkProperties(command, own), given: own });
    };
    const parts = await beginEach(names, one);
    const work = whole(parts);
    this.#follow(job, work);
    return waitsFor(command, given) ? work : soFar(parts, job ? { job: job.id } : {});
  }

  /** Ends the job with the work; what fails after the answer is told by the job. */
  #follow(job: Job | undefined, work: Promise<Fields>): void {
    if (job) this.#context.jobs.settle(job, work);
    work.catch(() => undefined);
  }

  /** Answers one frame: `reply` is called once, now or later, or never where Circus gives no answer either. */
  handle(frame: Uint8Array, asker: Asker, reply: (text: string) => void): void {
    let request: Request | undefined;
    const refuse = (error: unknown, begun = false) => {
      if (!request?.cast) reply(encodeError(asRequestError(error, begun), request?.id ?? null));
    };
    try {
      request = decodeRequest(frame);
      if (!request) return;
      const { command, properties, id, cast } = request;
      const answer = (fields: Fields) => void (cast || reply(encodeReply(fields, id)));
      const open = this.#openOf(asker);
      // Before it is carried out: what is refused is not done.
      if (open.size >= mostOpen) throw new RequestError(5, `${mostOpen} requests wait for their answers already`);
      const fields = this.execute(command, properties, asker);
      if (!isPromise(fields)) return answer(fields);
      const coming = fields.then(answer).catch((error: unknown) => refuse(error, true));
      open.add(coming);
      void coming.finally(() => open.delete(coming));
    } catch (error) {
      refuse(error);
    }
  }

  #openOf(asker: Asker): Set<Promise<unknown>> {
    const open = this.#open.get(asker) ?? new Set();
    this.#open.set(asker, open);
    return open;
  }

  /** Resolves when all answers are out, or after `longest` ms: whoever waits for the daemon's end is to hear of it. */
  async answered(longest: number): Promise<void> {
    const late = new AbortController();
    const coming = () => [...this.#open.values()].flatMap((open) => [...open]);
    const all = async () => {
      for (let open = coming(); open.length > 0; open = coming()) await Promise.all(open);
    };
    await Promise.race([all(), sleep(this.#context.arbiter.clock, longest, late.signal)]);
    late.abort();
  }
}

/** The commands of plugins that not every configuration loads. */
const homes: Readonly<Record<string, string>> = {
  ...{ disable: 'intent', enable: 'intent', rollback: 'intent' },
  ...{ freeze: 'cgroup', thaw: 'cgroup' },
  tree: 'dependencies',
};

/** That there is no such command, in Circus's words, and where it would come from. */
function unknown(name: string): RequestError {
  const home = homes[name.toLowerCase()];
  const hint = home === undefined ? {} : { hint: `it comes with the plugin "${home}", which is not loaded` };
  return new RequestError(2, `unknown command: ${quoted(name)}`, hint);
}

/** A request whose properties have been checked. */
interface Asked {
  readonly command: Command;
  readonly checked: unknown;
  /** The properties as they came. */
  readonly given: unknown;
  readonly context: CommandContext;
  readonly job?: Job;
}

/** Begins a command, perhaps when what has to be there before it is there. */
function begin({ command, checked, given, context }: Asked): Begun | Promise<Begun> {
  const name = watcherIn(given);
  if (name !== undefined && !command.ofPlugins) refuseInner(context, command.name, name);
  const run = (): Begun => {
    const outcome = command.run(checked, context);
    return isPromise(outcome) ? { work: Promise.resolve(outcome).then(fieldsOf) } : { fields: fieldsOf(outcome) };
  };
  const prepared = command.prepare?.(checked, context);
  return prepared ? prepared.then(run) : run();
}

/** False where the answer is due when the work has begun. */
const waitsFor = ({ flags }: Command, given: unknown): boolean =>
  !flags.some((flag) => flag.name === 'waiting') || Boolean((given as { readonly waiting?: unknown }).waiting);

/** Plugins come with promises of any library. */
const isPromise = <T extends object>(value: T | Promise<T>): value is Promise<T> =>
  typeof (value as Partial<Promise<T>> | undefined)?.then === 'function';

/** The watcher that a request is about, as it was named. */
function watcherIn(properties: unknown): string | undefined {
  const name = (properties as { readonly name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}

/** The same, or what several are called, in one text. */
function nameIn(properties: unknown): string | undefined {
  const { names } = Object(properties) as { readonly names?: unknown };
  return watcherIn(properties) ?? (Array.isArray(names) ? names.join(' ') : undefined);
}

/** The fields of a reply from what a command answered: nothing is nothing more to say, a list is `results`, as in Circus. */
function fieldsOf(outcome: unknown): Fields {
  if (outcome === undefined || outcome === null) return {};
  if (Array.isArray(outcome)) return { results: outcome };
  if (typeof outcome === 'object') return outcome as Fields;
  throw new RequestError(6, 'server error');
}

const roles: readonly Role[] = ['view', 'operate', 'admin'];
const kinds: readonly Argument['kind'][] = ['text', 'names', 'integer', 'number', 'list', 'flag'];

const isArgument = (value: unknown): boolean => {
  const { name, kind, summary } = Object(value) as Partial<Argument>;
  return typeof name === 'string' && typeof summary === 'string' && kinds.includes(kind!);
};

/** What keeps a value from being a command; commands come from plugins that no compiler has seen. */
function objection({
  name,
  role,
  properties,
  words,
  flags,
  run,
  summary,
  reply,
}: Partial<Command>): string | undefined {
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_-]*$/.test(name)) return 'needs a name of lower-case letters';
  if (!roles.includes(role as Role)) return `needs a role: ${roles.join(', ')}`;
  if (typeof run !== 'function') return 'has no run()';
  if (typeof summary !== 'string') return 'has no summary';
  if (typeof properties?.['~standard']?.validate !== 'function') return 'has no properties (a Standard Schema)';
  if (reply !== undefined && typeof reply !== 'string') return 'has a reply that is no text';
  if (!Array.isArray(words) || !Array.isArray(flags)) return 'has no lists of words and flags';
  if ([...words, ...flags].every(isArgument)) return undefined;
  return `has a word or flag without a name, a summary and a kind: ${kinds.join(', ')}`;
}
