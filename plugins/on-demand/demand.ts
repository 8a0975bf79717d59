/** One watcher that runs only while it has clients. */
import type { Arbiter, Log, Socket, Watcher, WatcherState } from '#core';
import { idleTimeout, isOnDemand } from './options.js';
import { Silence } from './silence.js';

/** States in which a client may start something; in all others nobody's call counts. */
const callable: ReadonlySet<WatcherState> = new Set(['waiting', 'starting', 'active', 'retrying']);

/** What a demand needs to know of its surroundings. */
export interface DemandContext {
  readonly arbiter: Arbiter;
  readonly log: Log;
  readonly by: string;
  /** Wraps what is called from outside of hooks. */
  readonly guard: (action: () => unknown) => () => void;
}

/** Looks after one watcher: waits for its clients while nothing of it runs, and for silence while something does. */
export class Demand {
  readonly #watcher: Watcher;
  readonly #context: DemandContext;
  /** A client came since something of it ran the last time: it may be spawned. */
  #called = false;
  #listening: (() => void)[] = [];
  #silence: { readonly of: number; readonly silence: Silence } | undefined;

  constructor(watcher: Watcher, context: DemandContext) {
    this.#watcher = watcher;
    this.#context = context;
  }

  /** Why nothing of it may be spawned; undefined when it may. */
  get reason(): string | undefined {
    if (this.#called || this.#watcher.processes.length > 0 || !isOnDemand(this.#watcher.spec)) return undefined;
    const names = this.#sockets.map(({ spec }) => spec.name);
    return names.length === 0 ? undefined : `waiting for a client on ${names.join(', ')}`;
  }

  /** Brings what is waited for in line with the watcher: to be called whenever something of it came or went. */
  update(): void {
    if (!callable.has(this.#watcher.state)) this.#called = false;
    if (this.reason === undefined || !this.#mayStart()) this.#stopListening();
    else if (this.#listening.length === 0) this.#listen();
    this.#awaitSilence();
  }

  /** Its options or its sockets are others now. */
  renew(): void {
    this.close();
    if (this.#watcher.state === 'waiting' && this.reason === undefined) this.#watcher.wake();
    this.update();
  }

  /** Something of it ended: when it was the last, a client has to come again. */
  ended(): void {
    if (this.#watcher.processes.length === 0) this.#called = false;
    this.update();
  }

  /** Waits for nothing any more. */
  close(): void {
    this.#stopListening();
    this.#stopSilence();
  }

  get #sockets(): readonly Socket[] {
    const { sockets } = this.#context.arbiter;
    const { sockets: names, use_sockets, stdin_socket } = this.#watcher.spec;
    const inherited = names.length > 0 ? names : use_sockets ? [...sockets.keys()] : [];
    const all = new Set([...inherited, ...(stdin_socket === null ? [] : [stdin_socket])]);
    return [...all].flatMap((name) => sockets.get(name.toLowerCase()) ?? []);
  }

  #mayStart(): boolean {
    const { state, wanted, spec } = this.#watcher;
    return wanted === 'up' && callable.has(state) && spec.numprocesses > 0;
  }

  #listen(): void {
    const called = this.#context.guard(() => {
      this.#called = true;
      this.#stopListening();
      // In any other state what is under way spawns it, after its pause.
      if (this.#watcher.state === 'waiting') this.#watcher.wake();
    });
    this.#listening = this.#sockets.map((socket) => socket.onReadable(called));
  }

  #stopListening(): void {
    for (const stop of this.#listening.splice(0)) stop();
  }

  #awaitSilence(): void {
    const { state, spec, processes } = this.#watcher;
    const runs = state === 'active' && processes.length > 0 && this.#sockets.length > 0;
    const time = runs ? idleTimeout(spec) : undefined;
    if (time === this.#silence?.of) return;
    this.#stopSilence();
    if (time === undefined) return;
    const silent = this.#context.guard(() => this.#rest(time));
    this.#silence = { of: time, silence: new Silence(this.#sockets, time, this.#context.arbiter.clock, silent) };
  }

  #stopSilence(): void {
    this.#silence?.silence.close();
    this.#silence = undefined;
  }

  /** Stops it until the next client, unless somebody is doing something with it. */
  #rest(time: number): void {
    const { name, queue } = this.#watcher;
    this.#silence = undefined;
    if (queue.operations.length > 0) return this.#awaitSilence();
    this.#context.log.info(`${name}: no client for ${time / 1000} s: it stops until the next one comes`);
    this.#watcher.restart(this.#context.by);
  }
}
