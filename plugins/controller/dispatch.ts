/** From a request to its reply: finds the command, checks the properties, and answers when it is time. */
import { checkProperties, Later, type Command, type CommandContext, type Fields } from './command.js';
import {
  asRequestError,
  decodeRequest,
  encodeError,
  encodeReply,
  quoted,
  RequestError,
  type Request,
} from './protocol.js';

/** The command table and what commands act on. */
export class Dispatcher {
  readonly commands = new Map<string, Command>();
  readonly #context: Omit<CommandContext, 'by'>;
  readonly #failed: (command: string, error: unknown) => void;

  /** `failed` is told of work that failed after its request had been answered. */
  constructor(
    commands: readonly Command[],
    context: Omit<CommandContext, 'by'>,
    failed: (command: string, error: unknown) => void,
  ) {
    for (const command of commands) this.commands.set(command.name, command);
    this.#context = context;
    this.#failed = failed;
  }

  /** Adds a command until the returned function is called. @throws Error when the name is taken */
  add(command: Command): () => void {
    if (this.commands.has(command.name)) throw new Error(`command "${command.name}" exists already`);
    this.commands.set(command.name, command);
    return () => void this.commands.delete(command.name);
  }

  /** Executes one command; work that takes time is answered when it has begun, or with `waiting` when it is done. */
  execute(name: string, properties: unknown, by: string): Fields | Promise<Fields> {
    const command = this.commands.get(name.toLowerCase());
    if (!command) throw new RequestError(2, `unknown command: ${quoted(name)}`);
    const checked = checkProperties(command, properties);
    const outcome = command.run(checked, { ...this.#context, by });
    if (!(outcome instanceof Later)) return outcome;
    if ((checked as { waiting?: unknown }).waiting) {
      return outcome.work.catch((error: unknown) => {
        throw asRequestError(error, true);
      });
    }
    outcome.work.catch((error: unknown) => this.#failed(command.name, error));
    return {};
  }

  /** Answers one frame: `reply` is called once, now or later, or never where Circus gives no answer either. */
  handle(frame: Uint8Array, by: string, reply: (text: string) => void): void {
    let request: Request | undefined;
    try {
      request = decodeRequest(frame);
      if (!request) return;
      const { id, cast } = request;
      const fields = this.execute(request.command, request.properties, by);
      if (!(fields instanceof Promise)) {
        if (!cast) reply(encodeReply(fields, id));
        return;
      }
      fields.then(
        (late) => void (cast || reply(encodeReply(late, id))),
        (error: unknown) => void (cast || reply(encodeError(asRequestError(error, true), id))),
      );
    } catch (error) {
      if (!request?.cast) reply(encodeError(asRequestError(error), request?.id ?? null));
    }
  }
}
