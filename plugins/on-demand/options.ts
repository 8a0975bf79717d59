/** What the options of a watcher say about starting it at a client and stopping it without one. */
import * as v from 'valibot';
import type { WatcherSpec } from '#core';
import type { Flaw } from '../flaw.js';
import { boolean, seconds } from '../schema.js';

const truth = boolean();
const time = v.pipe(
  seconds('The time without a client after which processes stop.'),
  v.minValue(1, 'is no time at all; leave it out to never stop'),
);

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

const hasSockets = ({ use_sockets, sockets, stdin_socket }: WatcherSpec) =>
  use_sockets || sockets.length > 0 || stdin_socket !== null;

/** What is wrong with the keys of a watcher. */
export function flawsIn(spec: WatcherSpec): readonly Flaw[] {
  const { on_demand: demand, idle_timeout: idle } = spec.options;
  const flaw = (key: string, message: string): readonly Flaw[] => [{ key, message }];
  if (demand !== undefined && !v.safeParse(truth, demand).success)
    return flaw('on_demand', `is true or false, not ${JSON.stringify(demand)}`);
  if (isOnDemand(spec) && !hasSockets(spec))
    return flaw('on_demand', `needs sockets whose clients start it: name them in "sockets", or say use_sockets = True`);
  if (idle === undefined) return [];
  const { issues } = v.safeParse(time, idle);
  if (issues) return flaw('idle_timeout', issues[0].message);
  return isOnDemand(spec) ? [] : flaw('idle_timeout', `needs on_demand = True: nothing else would start it again`);
}
