/** What the controller offers to other plugins: the command table and the execution of requests. */
import { service, type Process, type Watcher, type WatcherSpec } from '#core';
import type { Command, Fields } from './command.js';

export type { Argument, Command, CommandContext, Fields, Role, Settings } from './command.js';
export { defineCommand, name, nameWord, object, truth, waiting, waitingFlag } from './command.js';
export { inWords } from './explain.js';
export { matching, named } from './match.js';
export { RequestError } from './protocol.js';

/**
 * What a plugin adds to what `explain` tells of a watcher: further fields, and sentences. `next` stands in place of the
 * controller's sentence about what comes next.
 */
export interface Explanation {
  readonly facts: Fields;
  readonly text: readonly string[];
  readonly next?: string | undefined;
}
/** Resolves with the facts about a process of a watcher, and more. */
export type ExtendStats = (watcher: Watcher, pid: number, info: Fields) => Promise<Fields>;

/** The controller as other plugins see it. */
export interface ControllerService {
  /** Where the daemon takes commands, as `circusctl --endpoint` takes it. */
  readonly endpoint: string;
  /** All commands, by name. */
  readonly commands: ReadonlyMap<string, Command>;
  /** Adds a command until the returned function is called. */
  addCommand(command: Command): () => void;
  /**
   * Executes a command as if it had come over the wire; `by` names the one who asks. Resolves with the fields of the
   * reply, for work that takes time when it has begun, or with `waiting` when it is done. @throws RequestError
   */
  execute(command: string, properties: unknown, by: string): Promise<Fields>;
  /**
   * Has `extend` add to the facts about each process that `stats` is asked for with `extended`, until the returned
   * function is called; the command fails with what it rejects with.
   */
  extendStats(extend: ExtendStats): () => void;
  /** Who has a request under way that may be about a watcher, as operations name him; undefined when nobody has. */
  askerOf(watcher: string): string | undefined;
  /** Publishes an event of a watcher to all subscribers. */
  publish(watcher: string, event: string, facts?: Fields): void;
  /**
   * Adds to what `explain` tells of a watcher, until the returned function is called. What fails, and what is no such
   * answer, is a fault of `by`, the `by` of the plugin's context. @throws TypeError when it is no function
   */
  addExplanation(explain: (watcher: Watcher) => Explanation | undefined, by?: string): () => void;
  /** Adds a word that `status` shows beside the state of a watcher, such as `frozen`, in the same way. @throws TypeError */
  addMark(mark: (watcher: Watcher) => string | undefined, by?: string): () => void;
  /** Adds sentences to what `explain` tells of a process, in the same way. @throws TypeError */
  addNotes(notes: (process: Process) => readonly string[] | undefined, by?: string): () => void;
  /** Adds one who knows the file that counts the kills of a process for want of memory, in the same way. @throws TypeError */
  addMemoryCounter(find: (process: Process) => string | undefined, by?: string): () => void;
  /**
   * Adds one who, when `reload NAME --continue` asks, has the reload of a watcher go on that waits for that: true, it
   * does. In the same way. @throws TypeError
   */
  addContinuation(proceed: (watcher: Watcher) => true | undefined, by?: string): () => void;
}

export const Controller = service<ControllerService>('controller');

/** What a change does to running processes: nothing, a value put in place, a replacement one by one, or all of the daemon. */
export type Cost = 'nothing' | 'hot' | 'reload' | 'daemon';

/** One key that differs; a value that is not there is undefined. */
export interface KeyChange {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** One section of the configuration that was added, removed or changed. */
export interface Change {
  readonly kind: 'watcher' | 'socket' | 'plugin' | 'circus';
  readonly name: string;
  readonly what: 'added' | 'removed' | 'changed';
  readonly keys: readonly KeyChange[];
  readonly cost: Cost;
  /** What is done about it, as a phrase. */
  readonly does: string;
  /** What an operator rolled back, and this brings back, as a phrase. */
  readonly returns?: string;
}

/** What lies between the daemon and its configuration files. */
export interface Plan {
  readonly changes: readonly Change[];
  /** What was changed at run time, per watcher: the configured value before, the running one after. */
  readonly drift: readonly { readonly watcher: string; readonly keys: readonly KeyChange[] }[];
  /** What is wrong in the files; a section with an error keeps its old form. */
  readonly problems: readonly string[];
}

/** Who carries out an option. */
export interface Carrier {
  readonly plugin: string;
  /** Without it a watcher that has the option must not be started. */
  readonly needed: boolean;
}

/** A plugin in the daemon whose section was written for Circus: its clients know it as a watcher. */
export interface InnerPlugin {
  /** `plugin:NAME`, as its section. */
  readonly name: string;
  /** Circus's class. */
  readonly circusClass: string;
  readonly priority: number;
  /** What the section says to the plugin. */
  readonly options: Readonly<Record<string, string>>;
  /** True while it is loaded. */
  readonly active: boolean;
}

/** What came of writing down what was changed at run time. */
export interface Saved {
  /** The path of the file of overrides. */
  readonly file: string;
  readonly saved: Plan['drift'];
  /** What is not in the file, as it would be read back as something else: options, variables as `env.NAME`, and why. */
  readonly unsaved: readonly { readonly watcher: string; readonly key: string; readonly reason: string }[];
}

/** The configuration of the daemon, as the program that composes it provides it. */
export interface ConfigurationService {
  /** Reads the files again and tells what would be done; does nothing. */
  plan(): Promise<Plan>;
  /** Reads the files again and does what is needed, with the least disturbance; resolves when it is done. */
  apply(by: string): Promise<Plan>;
  /** The first-party plugin that carries out an option of watchers; undefined: the kernel does, or nobody. */
  carrier(key: string): Carrier | undefined;
  /** Has a first-party plugin loaded that an option needs, unless it is. @throws Error */
  need(plugin: string): Promise<void>;
  /** Writes what was changed at run time, of one watcher or of all, into the file of overrides. */
  save(watcher?: string): Promise<Saved>;
  /** The path of the main file. */
  readonly file: string;
  /** The folder of the main file, from which paths of plugins and hooks are seen. */
  readonly folder: string;
  /** True while the watchers of the files are put in place one by one: one may name another that is still to come. */
  readonly placing: boolean;
  /** Calls back, and waits, each time the files were read again and carried out, until the returned function is called. */
  onApplied(action: () => Promise<void>): () => void;
  /** What plugins have against such a watcher, as sentences: what takes longer to find out than a change may. */
  judge(spec: WatcherSpec): Promise<readonly string[]>;
  /** The keys in which two specs of a watcher differ; secrets are masked. */
  differences(before: WatcherSpec, after: WatcherSpec): readonly KeyChange[];
  /**
   * Has the files brought back with the next `apply` what they say of these keys of a watcher, although they have not
   * changed; `what` was rolled back, as a phrase that the plan shows where `isBack` says that a spec is just that.
   */
  putAside(watcher: string, keys: readonly string[], what: string, isBack: (spec: WatcherSpec) => boolean): void;
  /** What was wrong in the files when they were read last. */
  readonly problems: readonly string[];
  /** Circus's plugins that run in the daemon. */
  readonly innerPlugins: readonly InnerPlugin[];
  /** Loads or unloads one of them, by `plugin:NAME`; resolves with false when that was so already. @throws Error */
  switchPlugin(name: string, on: boolean): Promise<boolean>;
  /** The place, as `FILE:LINE`, of the error for which this watcher was left out when they were read last; else undefined. */
  leftOut(watcher: string): string | undefined;
}

export const Configuration = service<ConfigurationService>('configuration');
