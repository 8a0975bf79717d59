/** Replaces processes that have lived for long enough. */
import * as v from 'valibot';
import { definePlugin } from '#core';
import { standard } from '../schema.js';
import { agesOf } from './age.js';
import { Recycler } from './recycler.js';

export default definePlugin({
  name: 'max-age',
  options: standard(v.strictObject({})),
  apply(context) {
    const { arbiter, hooks } = context;
    const recycler = new Recycler(context);
    context.defer(() => recycler.close());

    hooks.watcherSpec.tap('max-age', (spec) => {
      agesOf(spec.options);
      return spec;
    });
    hooks.spawned.tap('max-age', (process, watcher) => recycler.count(process, watcher));
    hooks.reaped.tap('max-age', (_exit, process) => recycler.forget(process));
    hooks.watcherUpdated.tap('max-age', (watcher, keys) => {
      if (keys.includes('options')) for (const process of watcher.processes) recycler.count(process, watcher);
    });
    for (const watcher of arbiter.watchers) for (const process of watcher.processes) recycler.count(process, watcher);
  },
});
