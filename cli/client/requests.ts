/** A method for each command. */
import type {
  Answer,
  Answered,
  Commands,
  Pids,
  Properties,
  StatsOfAll,
  StatsOfOne,
  StatsOfProcess,
  Statuses,
  StatusOfOne,
  Watchers,
} from './commands.js';
import type { RequestOptions } from './options.js';

/** What a method takes beside the name of a watcher. */
export type More<C extends keyof Commands> = Omit<Properties<C>, 'name'> & RequestOptions;

/** The commands as methods, whatever they are sent by; each rejects with a `ClientError`. */
export abstract class Requests {
  /** Asks for a command by its name. @throws ClientError */
  abstract request<C extends keyof Commands>(
    command: C,
    properties: Properties<C>,
    options?: RequestOptions,
  ): Promise<Answer<C>>;

  /** Adds a watcher. */
  add(name: string, cmd: string, more: Omit<More<'add'>, 'cmd'> = {}): Promise<Answer<'add'>> {
    return this.#ask('add', { ...more, name, cmd });
  }

  /** Ends a job before its time. */
  cancel(id: number, options: RequestOptions = {}): Promise<Answer<'cancel'>> {
    return this.#ask('cancel', { ...options, id });
  }

  /** Lists the commands that plugins have added; `call` asks for one. */
  commands(options: RequestOptions = {}): Promise<Answer<'commands'>> {
    return this.#ask('commands', options);
  }

  /** Takes processes away, the oldest first; one without `nb`. */
  decr(name: string, more: More<'decr'> = {}): Promise<Answer<'decr'>> {
    return this.#ask('decr', { ...more, name });
  }

  /** Stops watchers and keeps them down; a daemon without the plugin `intent` refuses, with errno 2. */
  disable(name: string, more: More<'disable'> = {}): Promise<Answer<'disable'>> {
    return this.#ask('disable', { ...more, name });
  }

  /** Tells memory, CPU and age of the daemon. */
  dstats(options: RequestOptions = {}): Promise<Answer<'dstats'>> {
    return this.#ask('dstats', options);
  }

  /** Puts disabled watchers back into service. */
  enable(name: string, more: More<'enable'> = {}): Promise<Answer<'enable'>> {
    return this.#ask('enable', { ...more, name });
  }

  /** Tells why a watcher is in its state, and what happens next. */
  explain(name: string, more: More<'explain'> = {}): Promise<Answer<'explain'>> {
    return this.#ask('explain', { ...more, name });
  }

  /** Halts the processes of a watcher, with all that they started; a daemon without the plugin `cgroup` refuses, with errno 2. */
  freeze(name: string, options: RequestOptions = {}): Promise<Answer<'freeze'>> {
    return this.#ask('freeze', { ...options, name });
  }

  /** Tells some options of a watcher. */
  get(name: string, keys: readonly string[], options: RequestOptions = {}): Promise<Answer<'get'>> {
    return this.#ask('get', { ...options, name, keys });
  }

  /** Tells the options of the daemon, or one of them. */
  globaloptions(
    option?: Properties<'globaloptions'>['option'],
    options: RequestOptions = {},
  ): Promise<Answer<'globaloptions'>> {
    return this.#ask('globaloptions', { ...options, option });
  }

  /** Lists groups, with their watchers and what these are doing. */
  groups(options: RequestOptions = {}): Promise<Answer<'groups'>> {
    return this.#ask('groups', options);
  }

  /** Adds processes; one without `nb`. */
  incr(name: string, more: More<'incr'> = {}): Promise<Answer<'incr'>> {
    return this.#ask('incr', { ...more, name });
  }

  /** Tells how the last processes of a watcher ended. */
  history(name: string, options: RequestOptions = {}): Promise<Answer<'history'>> {
    return this.#ask('history', { ...options, name });
  }

  /** Tells how far a job is. */
  job(id: number, options: RequestOptions = {}): Promise<Answer<'job'>> {
    return this.#ask('job', { ...options, id });
  }

  /** Tells what is being done; a daemon that does not know it refuses, with errno 2. */
  jobs(name?: string, more: More<'jobs'> = {}): Promise<Answer<'jobs'>> {
    return this.#ask('jobs', { ...more, name });
  }

  /** Stops processes, which are replaced. */
  kill(name: string, more: More<'kill'> = {}): Promise<Answer<'kill'>> {
    return this.#ask('kill', { ...more, name });
  }

  /** Lists the watchers, or the pids of one. */
  list(name?: undefined, options?: RequestOptions): Promise<Answered & Watchers>;
  list(name: string, options?: RequestOptions): Promise<Answered & Pids>;
  list(name?: string, options: RequestOptions = {}): Promise<Answer<'list'>> {
    return this.#ask('list', { ...options, name });
  }

  /** Lists the sockets that the daemon owns. */
  listsockets(options: RequestOptions = {}): Promise<Answer<'listsockets'>> {
    return this.#ask('listsockets', options);
  }

  /** Counts processes, of all watchers or of one. */
  numprocesses(name?: string, options: RequestOptions = {}): Promise<Answer<'numprocesses'>> {
    return this.#ask('numprocesses', { ...options, name });
  }

  /** Counts watchers. */
  numwatchers(options: RequestOptions = {}): Promise<Answer<'numwatchers'>> {
    return this.#ask('numwatchers', options);
  }

  /** Lists the options of a watcher. */
  options(name: string, options: RequestOptions = {}): Promise<Answer<'options'>> {
    return this.#ask('options', { ...options, name });
  }

  /** Tells what `reloadconfig` would do, and what was changed at run time. */
  plan(options: RequestOptions = {}): Promise<Answer<'plan'>> {
    return this.#ask('plan', options);
  }

  /** Stops everything, the daemon too. */
  quit(more: More<'quit'> = {}): Promise<Answer<'quit'>> {
    return this.#ask('quit', more);
  }

  /** Replaces processes one by one, new ones first. */
  reload(name?: string, more: More<'reload'> = {}): Promise<Answer<'reload'>> {
    return this.#ask('reload', { ...more, name });
  }

  /** Tells again what was published: the command `events`. */
  replay(more: More<'events'> = {}): Promise<Answer<'events'>> {
    return this.#ask('events', more);
  }

  /** Has the configuration files read again, and what is needed done. */
  reloadconfig(more: More<'reloadconfig'> = {}): Promise<Answer<'reloadconfig'>> {
    return this.#ask('reloadconfig', more);
  }

  /** Stops watchers and starts them again. */
  restart(name?: string, more: More<'restart'> = {}): Promise<Answer<'restart'>> {
    return this.#ask('restart', { ...more, name });
  }

  /** Takes a watcher out. */
  rm(name: string, more: More<'rm'> = {}): Promise<Answer<'rm'>> {
    return this.#ask('rm', { ...more, name });
  }

  /** Gives a watcher its last good spec again, or all whose present one is not known to be good. */
  rollback(name?: string, more: More<'rollback'> = {}): Promise<Answer<'rollback'>> {
    return this.#ask('rollback', { ...more, name });
  }

  /** Has what was changed at run time written into the file of overrides. */
  save(name?: string, options: RequestOptions = {}): Promise<Answer<'save'>> {
    return this.#ask('save', { ...options, name });
  }

  /** Changes options of a watcher. */
  set(
    name: string,
    options: Properties<'set'>['options'],
    more: Omit<More<'set'>, 'options'> = {},
  ): Promise<Answer<'set'>> {
    return this.#ask('set', { ...more, name, options });
  }

  /** Sends a signal to processes, by its number or name. */
  signal(name: string, signum: number | string, more: Omit<More<'signal'>, 'signum'> = {}): Promise<Answer<'signal'>> {
    return this.#ask('signal', { ...more, name, signum });
  }

  /** Starts watchers. */
  start(name?: string, more: More<'start'> = {}): Promise<Answer<'start'>> {
    return this.#ask('start', { ...more, name });
  }

  /** Tells memory, CPU and age of processes. */
  stats(name?: undefined, more?: More<'stats'>): Promise<Answered & StatsOfAll>;
  stats(name: string, more: More<'stats'> & { readonly process: number }): Promise<Answered & StatsOfProcess>;
  stats(name: string, more?: More<'stats'>): Promise<Answered & StatsOfOne>;
  stats(name?: string, more: More<'stats'> = {}): Promise<Answer<'stats'>> {
    return this.#ask('stats', { ...more, name });
  }

  /** Tells what watchers are doing, or what one is. */
  status(name?: undefined, options?: RequestOptions): Promise<Answered & Statuses>;
  status(name: string, options?: RequestOptions): Promise<Answered & StatusOfOne>;
  status(name?: string, options: RequestOptions = {}): Promise<Answer<'status'>> {
    return this.#ask('status', { ...options, name });
  }

  /** Stops watchers. */
  stop(name?: string, more: More<'stop'> = {}): Promise<Answer<'stop'>> {
    return this.#ask('stop', { ...more, name });
  }

  /** Lets the processes of a frozen watcher go on. */
  thaw(name: string, options: RequestOptions = {}): Promise<Answer<'thaw'>> {
    return this.#ask('thaw', { ...options, name });
  }

  /** Tells which watchers wait for which; a daemon without the plugin `dependencies` refuses, with errno 2. */
  tree(name?: string, options: RequestOptions = {}): Promise<Answer<'tree'>> {
    return this.#ask('tree', { ...options, name });
  }

  /** Resolves when a job is over; rejects when it failed or was cancelled. */
  wait(id: number, options: RequestOptions = {}): Promise<Answer<'wait'>> {
    return this.#ask('wait', { ...options, id });
  }

  #ask<C extends keyof Commands>(command: C, given: Properties<C> & RequestOptions): Promise<Answer<C>> {
    const { timeout, signal, ...properties } = given;
    return this.request(command, properties, { timeout, signal });
  }
}
