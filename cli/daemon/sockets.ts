/** The sockets of a configuration: bound or taken over at the start, and changed under a running daemon. */
import { lookup } from 'node:dns/promises';
import { closeSync } from 'node:fs';
import { SocketAddress } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf, usesSocket, type Arbiter, type Log, type Socket, type SocketSpec, type WatcherSpec } from '#core';
import type { Change } from '#plugins/controller/service.js';
import type { Configuration } from '../config/build.js';
import { keysInPlace } from '../config/diff.js';
import type { Problem } from '../config/problem.js';
import { namedSockets } from '../config/watcher.js';
import type { Handed } from './handed.js';

type Built = Configuration['sockets'][number];

/** Binds the sockets of a configuration, or adopts those that were handed over by their names; answers what went wrong. */
export async function bindSockets(
  { file, sockets }: Configuration,
  arbiter: Arbiter,
  handed: readonly Handed[],
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const rest = new Set(handed);
  for (const built of sockets) {
    const { spec, origin } = built;
    const given = [...rest].find(({ name }) => name === spec.name);
    if (given) rest.delete(given);
    try {
      const socket = await arbiter.addSocket(spec, { given: given?.fd });
      if (given && !(await isWhere(spec, socket))) {
        const message = `socket "${spec.name}" was handed over bound to ${socket.address}, and not to ${written(spec)} as its section says: it is used as it is`;
        problems.push({ severity: 'warning', ...origin, column: 1, message });
      }
    } catch (error) {
      const message = `${reasonOf(error)}; [${origin.section}] is left out`;
      problems.push({ severity: 'error', ...placeOfSocket(built, reasonOf(error)), section: origin.section, message });
    }
  }
  for (const { name, fd } of rest) {
    try {
      closeSync(fd);
    } catch {
      // It was announced, and is not open.
    }
    const message = `a socket "${name}" was handed over, and there is no [socket:${name || 'NAME'}] for it: it is closed`;
    problems.push({ severity: 'warning', file, line: 1, column: 1, message });
  }
  return problems;
}

/** The address that a section says. */
const written = ({ path, host, port }: SocketSpec): string =>
  path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** True for an adopted socket that is bound to what its section says. */
async function isWhere(spec: SocketSpec, { address, port }: Socket): Promise<boolean> {
  if (spec.path !== null) return resolve(address) === resolve(spec.path);
  if (spec.port !== 0 && spec.port !== port) return false;
  const host = spec.host || (spec.family === 'AF_INET6' ? '::' : '0.0.0.0');
  const isV6 = spec.family === 'AF_INET6';
  const found = await lookup(host, { family: isV6 ? 6 : 4 });
  const { address: plain } = new SocketAddress({ address: found.address, family: isV6 ? 'ipv6' : 'ipv4' });
  return address === `${isV6 ? `[${plain}]` : plain}:${port}`;
}

/** The place of what a failure is about: the key, or the section where that is not written. */
export function placeOfSocket({ spec, places, origin }: Built, reason: string) {
  const about = spec.path === null ? ofAddress : ofFile;
  const [, key = ''] = about.find(([pattern, one]) => pattern.test(reason) && places.has(one)) ?? [];
  const { file, line, column } = places.get(key) ?? { ...origin, column: 1 };
  return { file, line, column, key };
}

const ofAddress = [
  [/SO_BINDTODEVICE/, 'interface'],
  [/getaddrinfo|IPv4 address|assign requested/, 'host'],
  [/protocol/i, 'proto'],
  [/handed over/, 'type'],
  [/./, 'port'],
  [/./, 'host'],
] as const;
const ofFile = [
  [/chown/, 'owner'],
  [/chown/, 'group'],
  [/protocol/i, 'proto'],
  [/handed over/, 'type'],
  [/./, 'path'],
] as const;

/** What is wrong with the watchers that name a socket which could not be bound. */
export function withoutSockets({ watchers }: Configuration, lost: ReadonlySet<string>): readonly Problem[] {
  return watchers.flatMap(({ spec, places, origin }): readonly Problem[] => {
    const [key, name] = lostSocket(spec, lost) ?? [];
    if (key === undefined) return [];
    const { file, line, column } = places.get(key) ?? { ...origin, column: 1 };
    const message = `${unbound(key, name)}; [${origin.section}] is left out`;
    return [{ severity: 'error', file, line, column, section: origin.section, key, message }];
  });
}

const unbound = (key: string, name = '') => `"${key}" names socket "${name}", which could not be bound`;

/** @throws Error when the watcher names one of these */
export function demandSockets(spec: WatcherSpec, lost: ReadonlySet<string>): void {
  const [key, name] = lostSocket(spec, lost) ?? [];
  if (key !== undefined) throw new Error(unbound(key, name));
}

/** The first of these sockets that a watcher names, after the key that names it. */
export const lostSocket = (spec: WatcherSpec, lost: ReadonlySet<string>) =>
  namedSockets(spec).find(([, name]) => lost.has(name));

/** How long those who have a socket that goes may take to accept who waits there, in ms. */
const patience = 5000;
const pause = 20;

/** What is changed. */
export type Changing = Pick<Change, 'kind' | 'name' | 'what'>;
/** Does one thing; a failure is noted. */
export type Attempt = (change: Changing, action: () => Promise<unknown>) => Promise<void>;

/** A change of the configuration as it concerns sockets: what is new is there before what is old goes. */
export class SocketChange {
  /** The names of those whose watchers have to get them anew. */
  readonly renewed = new Set<string>();
  /** The names of those that could not be bound. */
  readonly lost = new Set<string>();
  readonly #arbiter: Arbiter;
  readonly #changes: readonly Change[];
  readonly #log: Log;
  /** Still open, beside those that have taken their names. */
  readonly #replaced: Socket[] = [];

  constructor(arbiter: Arbiter, changes: readonly Change[], log: Log) {
    this.#arbiter = arbiter;
    this.#changes = changes.filter(({ kind }) => kind === 'socket');
    this.#log = log;
  }

  /** Opens what is new and changes what is there; then waits a while until nobody waits any more in what will go. */
  async open(specs: readonly SocketSpec[], attempt: Attempt): Promise<void> {
    const { sockets } = this.#arbiter;
    const inPlace = ({ what, keys }: Change) => what === 'changed' && keys.every(({ key }) => keysInPlace.has(key));
    const leaving = this.#changes.flatMap((change) => (inPlace(change) ? [] : (sockets.get(change.name) ?? [])));
    const opened = this.#changes
      .filter(({ what }) => what !== 'removed')
      .map((change) =>
        attempt(change, async () => {
          const spec = specs.find(({ name }) => name === change.name)!;
          const old = sockets.get(spec.name);
          try {
            if (old && inPlace(change)) old.change(spec);
            else await this.#arbiter.addSocket(spec, { leaving });
          } catch (error) {
            if (!old) this.lost.add(spec.name);
            throw error;
          }
          if (old && old !== sockets.get(spec.name)) this.#replaced.push(old);
          if (old && change.cost === 'reload') this.renewed.add(spec.name);
        }),
      );
    await Promise.all(opened);
    const removed = this.#changes.flatMap(({ what, name }) => (what === 'removed' ? (sockets.get(name) ?? []) : []));
    const end = performance.now() + patience;
    await Promise.all([...this.#replaced, ...removed].map((socket) => this.#drain(socket, end)));
  }

  /** Takes out what the configuration has no more, unless somebody still needs it. */
  async remove(attempt: Attempt): Promise<void> {
    for (const change of this.#changes) {
      const { name, what } = change;
      if (what !== 'removed') continue;
      await attempt(change, async () => {
        const user = this.#arbiter.watchers.find(({ spec }) => lostSocket(spec, new Set([name])));
        if (user) throw new Error(`socket "${name}" can't go, as watcher "${user.name}" names it`);
        const socket = this.#arbiter.sockets.get(name);
        if (socket) this.#close(socket);
        this.renewed.add(name);
      });
    }
  }

  /** Closes what others have replaced, once the watchers have those. */
  close(): void {
    for (const socket of this.#replaced) this.#close(socket);
  }

  #close(socket: Socket): void {
    const { name } = socket.spec;
    const left = socket.queue?.length ?? 0;
    if (left > 0) this.#log.warn(`socket ${name}: nobody accepted the ${left} who wait at ${socket.address}`);
    this.#arbiter.removeSocket(name, socket);
  }

  async #drain(socket: Socket, end: number): Promise<void> {
    const { name } = socket.spec;
    const isServed = () =>
      this.#arbiter.watchers.some(({ spec, processes }) => processes.length > 0 && usesSocket(spec, name));
    while (socket.queue?.length && isServed() && performance.now() < end) await sleep(pause);
  }
}
