/** Who asks: by which endpoint a request came, and what that may do. */
import { CircusError, type Arbiter, type Watcher } from '#core';
import { readSelector, type Subject } from '../selector.js';
import type { Command, Role } from './command.js';
import { RequestError } from './protocol.js';

/** One who asks; zeromq tells of no more than the endpoint that a message came by. */
export interface Asker {
  /** `operator`, `endpoint NAME`, or `plugin NAME`. */
  readonly name: string;
  readonly role: Role;
  /** True for the watchers that it is for, by their names and options; undefined: all. */
  readonly sees?: Sees | undefined;
  /** Who that can only be, such as `uid 1000` or `key laptop`, where it is provable. */
  readonly proven?: string | undefined;
}

/** One of whom only the name is given is seen for its name only. */
type Sees = (watcher: string, options?: Subject['options']) => boolean;

const ranks: Readonly<Record<Role, number>> = { view: 0, operate: 1, admin: 2 };

/** True when a role may do what needs another one. */
export const mayDo = (role: Role, needed: Role): boolean => ranks[role] >= ranks[needed];

/** Refuses a command that the asker's endpoint is not for. @throws RequestError */
export function checkPermission({ name, role, sees }: Asker, command: Command, isOurs: boolean): void {
  if (!mayDo(role, command.role))
    throw new RequestError(5, `"${command.name}" needs the role ${command.role}, and ${name} has the role ${role}`);
  // Of a command that comes from another plugin nobody knows what it shows, unless it says so.
  if (sees && (command.wide ?? !isOurs))
    throw new RequestError(5, `"${command.name}" is about the whole daemon, and ${name} is for some watchers only`);
}

/** A test for watchers by patterns, groups and labels with commas between them, without regard to case. */
export function watchersLike(selector: string): Sees {
  const terms = readSelector(selector, 'commas');
  return (name, options) => terms.some((term) => term.matches({ name, options }));
}

/** The arbiter as somebody knows it who may know of some watchers only. */
export function restricted(arbiter: Arbiter, sees: Sees): Arbiter {
  const find = (name: string): Watcher | undefined => {
    const watcher = arbiter.find(name);
    return watcher && sees(watcher.name, watcher.spec.options) ? watcher : undefined;
  };
  const get = (name: string): Watcher => {
    const watcher = find(name);
    if (!watcher) throw new CircusError('ERR_WATCHER_UNKNOWN', [name]);
    return watcher;
  };
  return new Proxy(arbiter, {
    get(_, key) {
      if (key === 'watchers') return arbiter.watchers.filter(({ name, spec }) => sees(name, spec.options));
      if (key === 'find') return find;
      if (key === 'get') return get;
      const value: unknown = Reflect.get(arbiter, key, arbiter);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(arbiter) : value;
    },
  });
}
