/** What the options of a watcher say about starting it at a client and stopping it without one. */
import * as v from 'valibot';
import type { SocketSpec, WatcherSpec } from '#core';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { boolean, seconds } from '../schema.js';

const truth = boolean();
const time = v.pipe(seconds('The time without a client after which processes stop.'), v.minValue(1));

/** True when the watcher waits for a client; what can't be read is no. */
export function isOnDemand({ options }: WatcherSpec): boolean {
  const read = v.safeParse(truth, options['on_demand']);
  return read.success && read.output;
}

/** The time without a client after which it stops, in ms; undefined: never. */
export function idleTimeout(spec: WatcherSpec): number | undefined {
  const read = v.safeParse(time, spec.options['idle_timeout']);
  return isOnDemand(spec) && read.success ? read.output : undefined;
}

const namesSockets = ({ sockets, stdin_socket }: WatcherSpec) => sockets.length > 0 || stdin_socket !== null;

/** What is wrong with the keys of a watcher; `all` are the sockets that there will be, where that is known. */
export function flawsIn(spec: WatcherSpec, all?: readonly SocketSpec[]): readonly Flaw[] {
  const { on_demand: demand, idle_timeout: idle } = spec.options;
  const flaw = (key: string, message: string): readonly Flaw[] => [{ key, message }];
  if (demand !== undefined && !v.safeParse(truth, demand).success)
    return flaw('on_demand', mustBe('true or false', demand).message);
  if (isOnDemand(spec) && !namesSockets(spec) && !spec.use_sockets)
    return flaw('on_demand', `needs sockets whose clients start it: name them in "sockets", or say use_sockets = True`);
  if (isOnDemand(spec) && !namesSockets(spec) && all?.length === 0)
    return flaw('on_demand', 'needs sockets whose clients start it, and there is no [socket:NAME]');
  if (idle === undefined) return [];
  if (!v.safeParse(time, idle).success) {
    const never = '; leave it out to never stop';
    return flaw('idle_timeout', mustBe('a number of seconds above 0, or a time such as 10m', idle, never).message);
  }
  return isOnDemand(spec) ? [] : flaw('idle_timeout', `needs on_demand = True: nothing else would start it again`);
}
