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

/** What all requests share: the rest of their context depends on who asks. */
export type SharedContext = Omit<CommandContext, 'by' | 'asker' | 'added'>;

/** How many answers may be still to come: each keeps its request's id, also when its client is gone. */
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
  readonly #open = new Set<Promise<unknown>>();

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
    if (!command) throw new RequestError(2, `unknown command: ${quoted(name)}`);
    const isJob = command.role !== 'view' && !command.isNoJob;
    try {
      checkPermission(asker, command, this.#own.has(command));
    } catch (error) {
      if (isJob) this.#audit.refused(asker, command.name);
      throw error;
    }
    const checked = checkProperties(command, properties);
    if (!isJob) return this.#run(command, checked, properties, asker, asker.name);
    const job = this.#context.jobs.begin(command, asker.name, watcherIn(properties));
    void job.over.then(() => this.#audit.over(asker, job, properties));
    try {
      return this.#run(command, checked, properties, asker, job.by, job);
    } catch (error) {
      job.finish('failed', reasonOf(error));
      throw error;
    }
  }

  #run(
    command: Command,
    checked: unknown,
    properties: unknown,
    asker: Asker,
    by: string,
    job?: Job,
  ): Fields | Promise<Fields> {
    const context = this.#contextOf(asker, by);
    const name = watcherIn(properties);
    if (name !== undefined && !command.ofPlugins) refuseInner(context, command.name, name);
    const prepared = command.prepare?.(checked, context);
    if (!prepared) return this.#carryOut(command, checked, properties, context, job);
    const begun = prepared.then(() => this.#carryOut(command, checked, properties, context, job));
    return begun.catch((error: unknown) => {
      job?.finish('failed', reasonOf(error));
      throw error;
    });
  }

  /** What a command gets; of those who only look it is the same each time. */
  #contextOf(asker: Asker, by: string): CommandContext {
    const known = this.#contexts.get(asker);
    if (known?.by === by && known.added === this.#added) return known;
    const { sees } = asker;
    const arbiter = sees ? restricted(this.#context.arbiter, sees) : this.#context.arbiter;
    const context = { ...this.#context, arbiter, by, asker, added: this.#added };
    if (by === asker.name) this.#contexts.set(asker, context);
    return context;
  }

  #carryOut(
    command: Command,
    checked: unknown,
    properties: unknown,
    context: CommandContext,
    job: Job | undefined,
  ): Fields | Promise<Fields> {
    const outcome = command.run(checked, context);
    if (!isPromise(outcome)) {
      const fields = fieldsOf(outcome);
      job?.finish('done');
      return fields;
    }
    const work = Promise.resolve(outcome).then(fieldsOf);
    if (job) this.#context.jobs.settle(job, work);
    // What fails after the answer is told by its job.
    work.catch(() => undefined);
    const mayWait = command.flags.some((flag) => flag.name === 'waiting');
    if (mayWait && !(properties as { readonly waiting?: unknown }).waiting) return job ? { job: job.id } : {};
    return work.catch((error: unknown) => {
      throw asRequestError(error, true);
    });
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
      const fields = this.execute(command, properties, asker);
      if (!isPromise(fields)) return answer(fields);
      if (this.#open.size >= mostOpen) throw new RequestError(5, `${mostOpen} requests wait for their answers already`);
      const open = fields.then(answer).catch((error: unknown) => refuse(error, true));
      this.#open.add(open);
      void open.finally(() => this.#open.delete(open));
    } catch (error) {
      refuse(error);
    }
  }

  /** Resolves when all answers are out, or after `longest` ms: whoever waits for the daemon's end is to hear of it. */
  async answered(longest: number): Promise<void> {
    const late = new AbortController();
    const all = async () => {
      while (this.#open.size > 0) await Promise.all(this.#open);
    };
    await Promise.race([all(), sleep(this.#context.arbiter.clock, longest, late.signal)]);
    late.abort();
  }
}

/** Plugins come with promises of any library. */
const isPromise = (value: Fields | Promise<Fields>): value is Promise<Fields> => typeof value?.['then'] === 'function';

/** The watcher that a request is about, as it was named. */
function watcherIn(properties: unknown): string | undefined {
  const name = (properties as { readonly name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' ? name : undefined;
}

/** The fields of a reply from what a command answered: nothing is nothing more to say, a list is `results`, as in Circus. */
function fieldsOf(outcome: unknown): Fields {
  if (outcome === undefined || outcome === null) return {};
  if (Array.isArray(outcome)) return { results: outcome };
  if (typeof outcome === 'object') return outcome as Fields;
  throw new RequestError(6, 'server error');
}

const roles: readonly Role[] = ['view', 'operate', 'admin'];
const kinds: readonly Argument['kind'][] = ['text', 'integer', 'number', 'list', 'flag'];

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
