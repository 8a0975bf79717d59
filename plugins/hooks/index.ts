/** Calls the functions and commands that a watcher names for the moments of its life. */
import * as v from 'valibot';
import { definePlugin, type Watcher } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { Caller } from './caller.js';
import { Modules } from './modules.js';
import type { PointName } from './points.js';
import { tapProcesses } from './processes.js';
import { flawsIn, isHook } from './settings.js';

/** The plugin's own limit is that of the watcher. `last`: what others refuse is not asked. */
const own = { name: 'hooks', deadline: Infinity };
const last = { ...own, stage: 1000 };

export default definePlugin({
  name: 'hooks',
  options: standard(v.strictObject({})),
  wants: { controller: Controller, configuration: Configuration },
  apply({ arbiter, hooks, services, log, run, defer }) {
    const { controller, configuration } = services;
    const folder = configuration?.folder ?? process.cwd();
    const modules = new Modules(folder);
    const caller = new Caller({ arbiter, run, log, controller, modules, folder });
    if (controller) defer(controller.extendStats((watcher, pid, info) => caller.extend(watcher, pid, info)));
    if (configuration) defer(configuration.onApplied(() => modules.refresh((message) => log.error(message))));

    hooks.watcherSpec.tap('hooks', (spec) => {
      refuse(flawsIn(spec, folder));
      const bare = !Object.keys(spec.options).some(isHook) || spec.needs.includes('hooks');
      return bare ? spec : { ...spec, needs: [...spec.needs, 'hooks'] };
    });

    const asks = (point: PointName) => (watcher: Watcher, signal: AbortSignal) =>
      caller.ask({ point, watcher, given: {} }, signal);
    hooks.beforeStart.tap(last, asks('before_start'));
    hooks.afterStart.tap(last, asks('after_start'));
    hooks.beforeSpawn.tap(last, asks('before_spawn'));
    hooks.beforeStop.tap(own, async (watcher, signal) => void (await asks('before_stop')(watcher, signal)));
    hooks.afterStop.tap(own, async (watcher, signal) => {
      await caller.through([watcher]);
      await asks('after_stop')(watcher, signal);
    });
    hooks.spawnSpec.tap('hooks', (spec, watcher) => {
      const env = caller.environment(watcher, spec.env);
      return env && { ...spec, env };
    });
    tapProcesses(hooks, arbiter, caller, last);
    // What was begun when processes ended is not cut off by the end of the daemon.
    hooks.stopped.tap(own, () => caller.through());
  },
});
