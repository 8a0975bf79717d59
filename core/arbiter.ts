/** Owns watchers, sockets and hooks; starts and stops all along the graph. One per daemon. */
import { randomBytes } from 'node:crypto';
import { HookBoard } from './board.js';
import { sleep, systemClock, type Clock } from './clock.js';
import { CircusError } from './errors.js';
import type { Along, Edges } from './hooks.js';
import type { Operation } from './operation.js';
import { along, findCycle, priorityEdges, reversed } from './order.js';
import { sealDescriptors } from './posix/descriptor.js';
import { becomeSubreaper, send } from './posix/process.js';
import { adoptOrphans } from './posix/reap.js';
import { reload, type ReloadRequest } from './reload.js';
import { Socket, type Forerunners } from './socket.js';
import type { SocketSpec, WatcherSpec } from './spec.js';
import { strays } from './tree.js';
import { Watcher } from './watcher.js';

/** What an arbiter is made with. */
export interface ArbiterOptions {
  readonly clock?: Clock;
  /** Pause after each watcher's start, in seconds. */
  readonly warmup_delay?: number;
}

const pastOperations = 100;
/** How often what got away is looked for at the end, 10 ms apart. */
const strayLooks = 50;

/** Tells whom an operator has neither disabled nor stopped since: whoever is waited for before may take long. */
function stillMeant(watchers: readonly Watcher[]): (watcher: Watcher) => boolean {
  const before = new Map(watchers.map((watcher) => [watcher, watcher.stops]));
  return (watcher) => watcher.disabled === undefined && watcher.stops === before.get(watcher);
}

/** The top of the kernel. */
export class Arbiter {
  /** Tells this run of the daemon from any other. */
  readonly id = randomBytes(6).toString('hex');
  readonly clock: Clock;
  readonly hooks: HookBoard;
  readonly startedAt: number;
  /** The operations under way and the last ones, by id. */
  readonly operations = new Map<number, Operation>();
  /** The names of the plugins that are live; the host keeps it. */
  readonly plugins = new Set<string>();
  readonly #warmupDelay: number;
  readonly #watchers = new Map<string, Watcher>();
  readonly #sockets = new Map<string, Socket>();
  /** The stops of watchers that were taken out. */
  readonly #leaving = new Set<Promise<unknown>>();
  #stopping: Promise<void> | undefined;
  /** Aborted when it is stopped: ends the pauses of a start. */
  readonly #quit = new AbortController();
  /** Children alone would not keep the event loop alive. */
  #release: () => void = () => undefined;
  #over!: () => void;
  /** Resolves when the arbiter has stopped: whoever made it then closes plugins and sockets. */
  readonly over = new Promise<void>((resolve) => (this.#over = resolve));

  constructor({ clock = systemClock, warmup_delay = 0 }: ArbiterOptions = {}) {
    this.clock = clock;
    this.hooks = new HookBoard(clock);
    this.startedAt = clock.now();
    this.#warmupDelay = warmup_delay;
  }

  /** All watchers, in the order in which they were added. */
  get watchers(): readonly Watcher[] {
    return [...this.#watchers.values()];
  }

  /** The bound sockets, by name. */
  get sockets(): ReadonlyMap<string, Socket> {
    return this.#sockets;
  }

  get stopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** Finds a watcher without regard to case. */
  find(name: string): Watcher | undefined {
    return this.#watchers.get(name.toLowerCase());
  }

  /** Finds a watcher without regard to case. @throws ERR_WATCHER_UNKNOWN */
  get(name: string): Watcher {
    const watcher = this.find(name);
    if (!watcher) throw new CircusError('ERR_WATCHER_UNKNOWN', [name]);
    return watcher;
  }

  /**
   * Adds a watcher, which rests.
   * @throws ERR_WATCHER_DUPLICATE, ERR_WATCHER_SINGLETON, ERR_HOOK_REFUSED, ERR_ARBITER_STOPPING
   */
  add(given: WatcherSpec): Watcher {
    if (this.stopping) throw new CircusError('ERR_ARBITER_STOPPING', [`watcher "${given.name}"`]);
    const spec = Object.freeze(this.hooks.change('watcherSpec', given));
    if (this.find(spec.name)) throw new CircusError('ERR_WATCHER_DUPLICATE', [spec.name]);
    if (spec.singleton && spec.numprocesses > 1) throw new CircusError('ERR_WATCHER_SINGLETON', [spec.name]);
    const watcher: Watcher = new Watcher(spec, {
      board: this.hooks,
      clock: this.clock,
      sockets: this.#sockets,
      daemon: this.id,
      missing: (plugins) => plugins.find((name) => !this.plugins.has(name)),
      announce: (operation) => this.#announce(operation),
      closing: () => this.stopping || this.find(spec.name) !== watcher,
    });
    this.#watchers.set(spec.name.toLowerCase(), watcher);
    this.hooks.tell('watcherAdded', watcher);
    return watcher;
  }

  /** Takes a watcher out and stops it; with `nostop` its processes run on and are nobody's. @throws ERR_WATCHER_UNKNOWN */
  async remove(name: string, { nostop = false, by = 'operator' } = {}): Promise<void> {
    const watcher = this.get(name);
    this.#watchers.delete(name.toLowerCase());
    this.hooks.tell('watcherRemoved', watcher);
    if (nostop) return watcher.abandon();
    const leaving = watcher.stop(by).result;
    this.#leaving.add(leaving);
    await leaving.finally(() => this.#leaving.delete(leaving));
    for (const socket of this.#sockets.values()) socket.keepSeats(watcher.name, new Set());
  }

  /** Binds a socket; it may take the name of one that leaves. @throws ERR_SOCKET_BIND, ERR_SOCKET_DUPLICATE */
  async addSocket(spec: SocketSpec, forerunners: Forerunners = {}): Promise<Socket> {
    const old = this.#sockets.get(spec.name);
    if (old && !forerunners.leaving?.includes(old)) throw new CircusError('ERR_SOCKET_DUPLICATE', [spec.name]);
    const socket = await Socket.open(spec, forerunners);
    this.#sockets.set(spec.name, socket);
    this.hooks.tell('socketBound', socket);
    return socket;
  }

  /** Closes a socket, by default the one that has the name; children that have it keep it. */
  removeSocket(name: string, socket = this.#sockets.get(name)): void {
    if (!socket) return;
    if (this.#sockets.get(name) === socket) this.#sockets.delete(name);
    socket.close();
    this.hooks.tell('socketClosed', socket);
  }

  /** Starts all watchers that start with the daemon. Whatever fails is told by the hooks; nothing stops the others. */
  async start(): Promise<void> {
    sealDescriptors();
    becomeSubreaper();
    adoptOrphans();
    const held = setInterval(() => undefined, 2 ** 31 - 1);
    this.#release = () => clearInterval(held);
    await this.hooks.ask('start', this);
    await this.startAll(
      this.watchers.filter(({ spec }) => spec.autostart),
      'circusd',
    );
    if (!this.stopping) await this.hooks.ask('started', this);
  }

  /** Starts these watchers along the graph, those that nothing orders side by side; resolves with what failed. */
  async startAll(watchers: readonly Watcher[], by = 'operator'): Promise<readonly unknown[]> {
    const meant = stillMeant(watchers);
    // From now on: what waits for its turn can say what for.
    for (const watcher of watchers) if (meant(watcher)) watcher.wanted = 'up';
    return this.#along(watchers, this.#edges('start'), async (watcher) => {
      if (this.stopping || !meant(watcher)) return;
      await watcher.start(by).result;
      if (this.#warmupDelay > 0) await sleep(this.clock, this.#warmupDelay * 1000, this.#quit.signal);
    });
  }

  /** Stops these watchers, along the graph backwards. */
  async stopAll(watchers: readonly Watcher[], by = 'operator'): Promise<readonly unknown[]> {
    return this.#along(watchers, reversed(this.#edges('stop')), (watcher) => watcher.stop(by).result);
  }

  /** Reloads one watcher, perhaps into a changed spec. */
  reload(watcher: Watcher, request: ReloadRequest = {}): Operation {
    return reload(watcher, request, this.hooks, this.clock);
  }

  /** Reloads these watchers along the graph. */
  async reloadAll(watchers: readonly Watcher[], request: ReloadRequest = {}): Promise<readonly unknown[]> {
    const meant = stillMeant(watchers);
    const one = async (watcher: Watcher) => meant(watcher) && (await this.reload(watcher, request).result);
    return this.#along(watchers, this.#edges('reload'), one);
  }

  /** Stops everything; the second call gets the first one's promise. Sockets are held until `close`. */
  stop(by = 'operator'): Promise<void> {
    return (this.#stopping ??= this.#stop(by));
  }

  /** Closes the sockets, when plugins have been closed. */
  close(): void {
    for (const name of [...this.#sockets.keys()]) this.removeSocket(name);
  }

  async #stop(by: string): Promise<void> {
    this.#quit.abort();
    await this.hooks.ask('stop', this);
    await this.stopAll(this.watchers, by);
    await Promise.allSettled(this.#leaving);
    await this.#endStrays();
    await this.hooks.ask('stopped', this);
    this.#release();
    this.#over();
  }

  /** Kills what got away from its watcher by leaving its session and its environment; new ones may come while we look. */
  async #endStrays(): Promise<void> {
    for (let looks = 0; looks < strayLooks; looks++) {
      const left = strays();
      if (left.length === 0) return;
      for (const pid of left) send(pid, 9);
      await sleep(this.clock, 10);
    }
  }

  /** What plugins made of the default order; an order with a circle is not used. */
  #edges(what: Along): Edges {
    const plain = priorityEdges(this.watchers, this.#warmupDelay > 0);
    const edges = this.hooks.change('startAfter', plain, this, what);
    const cycle = edges === plain ? undefined : findCycle(edges);
    if (!cycle) return edges;
    this.hooks.tell('fault', {
      plugin: 'kernel',
      hook: 'startAfter',
      error: new CircusError('ERR_ORDER_CYCLE', [cycle.join(' -> ')]),
    });
    return plain;
  }

  #along(
    watchers: readonly Watcher[],
    edges: Edges,
    act: (watcher: Watcher) => Promise<unknown>,
  ): Promise<readonly unknown[]> {
    const byName = new Map(watchers.map((watcher) => [watcher.name, watcher]));
    return along([...byName.keys()], edges, (name) => act(byName.get(name)!));
  }

  #announce(operation: Operation): void {
    this.operations.set(operation.id, operation);
    for (const [id, { settled }] of this.operations) {
      if (this.operations.size <= pastOperations) break;
      if (settled) this.operations.delete(id);
    }
    this.hooks.tell('operationChanged', operation);
  }
}
