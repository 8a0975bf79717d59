/** Replaces processes that have lived for long enough. */
import * as v from 'valibot';
import { definePlugin } from '#core';
import { Controller } from '../controller/service.js';
import { standard } from '../schema.js';
import { agesOf } from './age.js';
import { explain } from './explain.js';
import { Recycler } from './recycler.js';

export default definePlugin({
  name: 'max-age',
  options: standard(v.strictObject({})),
  wants: { controller: Controller },
  apply(context) {
    const { arbiter, hooks, services, defer } = context;
    const recycler = new Recycler(context);
    defer(() => recycler.close());

    hooks.watcherSpec.tap('max-age', (spec) => {
      agesOf(spec.options);
      return spec;
    });
    hooks.spawned.tap('max-age', (process, watcher) => recycler.schedule(process, watcher));
    hooks.reaped.tap('max-age', (_exit, process) => recycler.forget(process));
    hooks.watcherUpdated.tap('max-age', (watcher, keys) => {
      if (keys.includes('options')) for (const process of watcher.processes) recycler.schedule(process, watcher);
    });
    for (const watcher of arbiter.watchers)
      for (const process of watcher.processes) recycler.schedule(process, watcher);
    if (services.controller) defer(services.controller.addExplanation(explain));
  },
});
