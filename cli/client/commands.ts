/** What every command takes and answers, in one place. Fields that Circus itself does not answer are optional. */
import type { Command, Settings } from '#plugins/controller/command.js';
import type { Info } from '#plugins/controller/info.js';
import type { Plan, Saved } from '#plugins/controller/service.js';
import type { Node } from '#plugins/dependencies/tree.js';
import type { IntentCommands } from './intent.js';
import type { Exit, Explanation, Replay } from './told.js';

/** Names of options to values. */
export type Options = Readonly<Record<string, unknown>>;
/** Circus's four words for what a watcher is doing. */
export type Status = 'active' | 'starting' | 'stopping' | 'stopped';

/** What every reply holds. */
export interface Answered {
  readonly status: string;
  /** In seconds since the epoch. */
  readonly time: number;
  readonly id: string;
  /** The number of what has begun, for `job`, `wait` and `cancel`; of commands that change something, without `waiting`. */
  readonly job?: number;
}

interface OneWatcher {
  readonly name: string;
}
interface OneJob {
  readonly id: number;
}
interface AnyWatcher {
  /** A watcher; all without it. */
  readonly name?: string | undefined;
}
interface Waiting {
  /** Answer when it is done, not when it has begun. */
  readonly waiting?: boolean | undefined;
}
interface Matching extends AnyWatcher, Waiting {
  /** How the name is meant; `glob` without it. */
  readonly match?: 'glob' | 'simple' | 'regex' | undefined;
}
interface Resizing extends OneWatcher, Waiting {
  /** How many; 1 without it. */
  readonly nb?: number | undefined;
}

/** A watcher's state in full, and why it is in it. */
export interface Explained {
  readonly state?: string;
  readonly reason?: string;
}

/** Pids; with `waiting`, of one watcher. */
export interface Replaced extends Explained {
  readonly info?: {
    readonly started: readonly number[];
    readonly stopped: readonly number[];
    readonly kept: readonly number[];
  };
}

/** The new number of processes, with `waiting`; `singleton` when nothing changes. */
export interface Resized {
  readonly numprocesses?: number;
  readonly singleton?: true;
}

/** Facts about a process; a text when it is gone. */
export type ProcessInfo = (Info & { readonly started?: number; readonly wid?: number }) | string;

/** Pids to facts. */
export type ProcessInfos = Readonly<Record<string, ProcessInfo>>;

export interface Statuses {
  readonly statuses: Readonly<Record<string, Status>>;
  /** Of those that are in any. */
  readonly groups?: Readonly<Record<string, readonly string[]>>;
  /** Of those that wait, retry or gave up. */
  readonly details?: Readonly<Record<string, Explained>>;
  /** A word about those of which there is more to say, such as `frozen`. */
  readonly notes?: Readonly<Record<string, string>>;
  /** What is left out of the configuration. */
  readonly problems?: readonly string[];
}
export interface StatusOfOne extends Explained {
  readonly status: Status;
  readonly notes?: Statuses['notes'];
  readonly groups?: Statuses['groups'];
}
export interface Watchers {
  readonly watchers: readonly string[];
}
export interface Pids {
  readonly pids: readonly number[];
}
export interface StatsOfAll {
  readonly infos: Readonly<Record<string, ProcessInfos>>;
}
export interface StatsOfOne {
  readonly name: string;
  readonly info: ProcessInfos;
}
export interface StatsOfProcess {
  readonly process: number | string;
  readonly info: ProcessInfo;
}

/** A socket that the daemon owns: with a path, or with host and port. */
export interface SocketFacts {
  readonly fd: number;
  readonly name: string;
  readonly backlog: number;
  readonly path?: string;
  readonly host?: string;
  readonly port?: number;
  /** Clients that wait to be accepted, and how many may; null where the system does not tell. */
  readonly queue: number | null;
  readonly queue_limit: number | null;
  /** The names of the watchers that use it. */
  readonly watchers: readonly string[];
}

/** Something that is being done to a watcher. */
export interface Job {
  readonly id: number;
  readonly command: string;
  readonly watchers: readonly string[];
  readonly state: 'queued' | 'running' | 'done' | 'failed' | 'cancelled';
  /** In processes; `text` is such as `3 of 8 replaced`. */
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly text?: string;
    /** What it is doing just now, or waits for. */
    readonly step?: string;
  };
  /** Who asked for it. */
  readonly by: string;
  readonly asked: number;
  readonly ended?: number;
  readonly reason?: string;
}

/** A command that a plugin has added, as it declares it; `call` asks for it. */
export type CommandFacts = Pick<Command, 'name' | 'role' | 'summary' | 'words' | 'flags' | 'reply'>;

type Nothing = Readonly<Record<never, never>>;

/** The commands, by name. Circus knows none of `cancel`, `commands`, `disable`, `enable`, `events`, `explain`, `freeze`, `groups`, `history`, `job`, `jobs`, `plan`, `rollback`, `save`, `thaw`, `tree`, `wait`. */
export interface Commands extends IntentCommands {
  add: {
    properties: OneWatcher &
      Waiting & {
        readonly cmd: string;
        readonly args?: string | readonly string[] | null | undefined;
        readonly options?: Options | undefined;
        /** Start it as well. */
        readonly start?: boolean | undefined;
      };
    reply: { readonly started?: readonly number[]; readonly kept?: readonly number[] };
  };
  cancel: { properties: OneJob; reply: { readonly job: Job } };
  /** Those that plugins have added. */
  commands: { properties: Nothing; reply: { readonly commands: readonly CommandFacts[] } };
  decr: { properties: Resizing; reply: Resized };
  dstats: { properties: Nothing; reply: { readonly info: ProcessInfo } };
  events: {
    properties: {
      readonly since?: number | undefined;
      readonly boot?: string | undefined;
      readonly watcher?: string | undefined;
      readonly limit?: number | undefined;
    };
    reply: Replay;
  };
  explain: { properties: OneWatcher & { readonly pid?: number | undefined }; reply: Explanation };
  /** Only with the plugin `cgroup`, as `thaw`. */
  freeze: { properties: OneWatcher; reply: Pids };
  get: { properties: OneWatcher & { readonly keys: readonly string[] }; reply: { readonly options: Options } };
  /** Names to watchers to their states. */
  groups: {
    properties: Nothing;
    reply: { readonly groups: Readonly<Record<string, Readonly<Record<string, Status>>>> };
  };
  globaloptions: {
    properties: { readonly option?: keyof Settings | undefined };
    reply: { readonly options: Partial<Settings> };
  };
  incr: { properties: Resizing; reply: Resized };
  history: { properties: OneWatcher; reply: { readonly name: string; readonly exits: readonly Exit[] } };
  job: { properties: OneJob; reply: { readonly job: Job } };
  /** `all`: also the last ones that are over. */
  jobs: {
    properties: AnyWatcher & { readonly all?: boolean | undefined };
    reply: { readonly jobs: readonly Job[] };
  };
  kill: {
    properties: OneWatcher &
      Waiting & {
        readonly pid?: number | undefined;
        readonly signum?: number | string | undefined;
        /** Seconds until SIGKILL. */
        readonly graceful_timeout?: number | undefined;
      };
    reply: Nothing;
  };
  list: { properties: AnyWatcher; reply: Watchers | Pids };
  listsockets: {
    properties: { readonly queues?: boolean | undefined };
    reply: { readonly sockets: readonly SocketFacts[] };
  };
  numprocesses: {
    properties: AnyWatcher;
    reply: { readonly numprocesses: number; readonly watcher_name?: string };
  };
  numwatchers: { properties: Nothing; reply: { readonly numwatchers: number } };
  options: { properties: OneWatcher; reply: { readonly options: Options } };
  plan: { properties: Nothing; reply: Plan };
  quit: { properties: Waiting; reply: Nothing };
  reload: {
    properties: AnyWatcher &
      Waiting & {
        /** False: stop all, then start all. */
        readonly graceful?: boolean | undefined;
        /** Have the reload go on that waits behind its canary. */
        readonly continue?: boolean | undefined;
        /** End the reload that is under way. */
        readonly abort?: boolean | undefined;
        /** Stop each process before its successor starts. */
        readonly sequential?: boolean | undefined;
      };
    reply: Replaced;
  };
  /** The changes that were made, with `waiting`. */
  reloadconfig: { properties: Waiting; reply: Partial<Plan> };
  restart: { properties: Matching; reply: Replaced };
  rm: {
    /** `nostop` leaves the processes running. */
    properties: OneWatcher & Waiting & { readonly nostop?: boolean | undefined };
    reply: Nothing;
  };
  save: { properties: AnyWatcher; reply: Saved };
  set: { properties: OneWatcher & Waiting & { readonly options: Options }; reply: Nothing };
  signal: {
    properties: OneWatcher & {
      readonly signum: number | string;
      readonly pid?: number | undefined;
      /** Only this child of `pid`. */
      readonly childpid?: number | undefined;
      /** Only the direct children. */
      readonly children?: boolean | undefined;
      /** All descendants too. */
      readonly recursive?: boolean | undefined;
    };
    reply: Nothing;
  };
  start: {
    properties: Matching;
    reply: Explained & { readonly info?: { readonly started: readonly number[]; readonly kept: readonly number[] } };
  };
  stats: {
    properties: AnyWatcher & {
      readonly process?: number | undefined;
      /** With what hooks add. */
      readonly extended?: boolean | undefined;
    };
    reply: StatsOfAll | StatsOfOne | StatsOfProcess;
  };
  status: { properties: AnyWatcher; reply: Statuses | StatusOfOne };
  stop: { properties: Matching; reply: { readonly info?: null } };
  thaw: { properties: OneWatcher; reply: Pids };
  /** Only with the plugin `dependencies`. */
  tree: { properties: AnyWatcher; reply: { readonly watchers: readonly Node[]; readonly text: string } };
  wait: { properties: OneJob; reply: { readonly job: Job } };
}

/** What a command takes. */
export type Properties<C extends keyof Commands> = Commands[C]['properties'];
/** What a command answers about one of several watchers. */
export type Part<C extends keyof Commands> =
  | (Omit<Answered, 'time' | 'id' | keyof Commands[C]['reply']> & Commands[C]['reply'])
  | { readonly status: 'error'; readonly reason: string; readonly hint?: string; readonly errno: number };
/** What a command answers when several watchers are meant: the replies by watcher. */
export interface Several<C extends keyof Commands> extends Answered {
  readonly replies: Readonly<Record<string, Part<C>>>;
}

/** What a command answers. */
export type Answer<C extends keyof Commands> = Omit<Answered, keyof Commands[C]['reply']> & Commands[C]['reply'];
