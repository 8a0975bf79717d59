/** The plugin flapping: asked about each process that ended. */
import { definePlugin } from '#core';
import { refuse } from '../flaw.js';
import { judge, noEnds, type Ends } from './intensity.js';
import { flawsIn, optionsSchema } from './options.js';

/** Answers the kernel's question what to do about a process that ended, when a slot's processes end too often. */
export default definePlugin({
  name: 'flapping',
  options: optionsSchema,
  apply({ hooks, log, optionsFor, restored, keep }) {
    /** Each watcher's slots by wid. */
    const slots = new Map(Object.entries((restored ?? {}) as Record<string, Record<number, Ends>>));
    keep(() => Object.fromEntries(slots));

    hooks.watcherSpec.tap('flapping', (spec) => refuse(flawsIn(spec.options)));
    hooks.respawn.tap('flapping', ({ wid }, { lived }, watcher) => {
      const limits = optionsFor(watcher);
      // Nobody asks for another process where none is to follow.
      if (!limits.active || !watcher.spec.respawn) return undefined;
      const own = slots.get(watcher.name) ?? {};
      const { ends, verdict } = judge(own[wid] ?? noEnds, lived, limits);
      slots.set(watcher.name, { ...own, [wid]: ends });
      if (verdict !== undefined) {
        const next =
          verdict === 'stop'
            ? 'reached max retry limit'
            : `retry in ${limits.retry_in / 1000}s (attempt number ${ends.tries})`;
        log.warn(`${watcher.name}: flapping detected: ${next}`);
      }
      return verdict;
    });

    // An operator's start begins anew, also in the middle of a pause; the kernel's goes on where something was waited for.
    hooks.operationChanged.tap('flapping', ({ kind, watcher, state, by }) => {
      if (state === 'running' && (kind === 'restart' || (kind === 'start' && by !== 'kernel'))) slots.delete(watcher);
    });
    hooks.watcherRemoved.tap('flapping', ({ name }) => void slots.delete(name));
  },
});
