/** What the controller offers to other plugins: the command table and the execution of requests. */
import { service } from '#core';
import type { Command, Fields } from './command.js';

export type { Argument, Command, CommandContext, Fields, Role, Settings } from './command.js';
export { defineCommand, Later } from './command.js';
export { RequestError } from './protocol.js';

/** The controller as other plugins see it. */
export interface ControllerService {
  /** All commands, by name. */
  readonly commands: ReadonlyMap<string, Command>;
  /** Adds a command until the returned function is called. */
  addCommand(command: Command): () => void;
  /**
   * Executes a command as if it had come over the wire; `by` names the one who asks. Resolves with the fields of the
   * reply, for work that takes time when it has begun, or with `waiting` when it is done. @throws RequestError
   */
  execute(command: string, properties: unknown, by: string): Promise<Fields>;
  /** Publishes an event of a watcher to all subscribers. */
  publish(watcher: string, event: string, facts?: Fields): void;
}

export const Controller = service<ControllerService>('controller');
