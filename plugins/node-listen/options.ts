/** What the options of a watcher say about its Node programs. */
import * as v from 'valibot';
import type { WatcherSpec } from '#core';
import type { Flaw } from '../flaw.js';
import { mustBe } from '../must-be.js';
import { boolean } from '../schema.js';

const truth = boolean();

/** True when `listen` of its programs means inherited sockets; what can't be read is no. */
export function isMapped({ options }: WatcherSpec): boolean {
  const read = v.safeParse(truth, options['node_listen']);
  return read.success && read.output;
}

/** What is wrong with the key of a watcher. */
export function flawsIn(spec: WatcherSpec): readonly Flaw[] {
  const written = spec.options['node_listen'];
  const flaw = (message: string): readonly Flaw[] => [{ key: 'node_listen', message }];
  if (written !== undefined && !v.safeParse(truth, written).success)
    return flaw(mustBe('true or false', written).message);
  return isMapped(spec) && !spec.use_sockets && spec.sockets.length === 0
    ? flaw('needs sockets to listen on: name them in "sockets", or say use_sockets = True')
    : [];
}
