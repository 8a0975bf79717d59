import { definePlugin } from '#core';
import { judge, noEnds, type Ends } from './intensity.js';
import { optionsSchema } from './options.js';

const slots = new Map<string, Ends>();

/** Answers the kernel's question what to do about a process that ended, when a slot's processes end too often. */
export default definePlugin({
  name: 'flapping',
  options: optionsSchema,
  apply({ hooks, log, defer, optionsFor, arbiter, restored }) {
    for (const [slot, ends] of Object.entries((restored ?? {}) as Record<string, Ends>)) slots.set(slot, ends);
    defer(() => slots.clear());

    hooks.respawn.tap('flapping', ({ wid }, _exit, watcher) => {
      const limits = optionsFor(watcher);
      if (!limits.active) return undefined;
      const slot = slotOf(watcher.name, wid);
      const { ends, verdict } = judge(slots.get(slot) ?? noEnds, arbiter.clock.now(), limits);
      slots.set(slot, ends);
      if (verdict === 'stop') log.warn(`${watcher.name}: flapping detected: reached max retry limit`);
      else if (verdict)
        log.warn(
          `${watcher.name}: flapping detected: retry in ${limits.retry_in / 1000}s (attempt number ${ends.tries})`,
        );
      return verdict;
    });

    // An operator's start begins anew.
    hooks.watcherState.tap('flapping', ({ name }, before, after) => {
      if (after === 'starting' && before !== 'retrying') forget(name);
    });
    hooks.watcherRemoved.tap('flapping', ({ name }) => forget(name));
  },
  snapshot: () => Object.fromEntries(slots),
});

const slotOf = (watcher: string, wid: number) => `${watcher}/${wid}`;

function forget(watcher: string): void {
  for (const slot of slots.keys())
    if (slot.startsWith(`${watcher}/`) && !slot.slice(watcher.length + 1).includes('/')) slots.delete(slot);
}
