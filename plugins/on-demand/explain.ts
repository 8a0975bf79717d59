/** What `explain` tells of a watcher that runs only while it has clients. */
import type { Watcher } from '#core';
import { inWords, type Explanation } from '../controller/service.js';
import { idleTimeout, isOnDemand } from './options.js';

/** What happens when a process of it ends, and when nobody comes; undefined for what is not on demand, or does not run. */
export function explain({ spec, state }: Pick<Watcher, 'spec' | 'state'>): Explanation | undefined {
  if (state !== 'active' || !isOnDemand(spec)) return undefined;
  const time = idleTimeout(spec);
  const idle = time === undefined ? null : time / 1000;
  const rule = spec.respawn ? 'replaced' : 'not replaced';
  return {
    facts: { idle_timeout: idle },
    text: idle === null ? [] : [`It stops when nobody has come for ${inWords(idle)}.`],
    next: `A process that ends is ${rule}; when the last one has ended, it waits for a client.`,
  };
}
