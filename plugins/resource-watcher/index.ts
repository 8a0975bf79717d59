/** Replaces processes that use too much memory or processor time. */
import { definePlugin, type Watcher } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { didYouMean } from '../nearest.js';
import { Replacements } from '../replacements.js';
import { flawsIn, optionsSchema, settingsFrom, settingsOf } from './options.js';
import { openStatsd } from './statsd.js';
import { Watches } from './watches.js';

const plain = 'resource-watcher';

/** The plugin under a name: by its own it also carries out the keys of watchers; each further section has one of its own. */
export const named = (name: string) =>
  definePlugin({
    name,
    options: optionsSchema(name === plain),
    wants: { controller: Controller, configuration: Configuration },
    apply({ arbiter, hooks, log, run, by, guard, defer, signal, services: { controller, configuration } }, options) {
      const target = options.watcher ?? options.service;
      const statsd = target === undefined ? undefined : openStatsd(options);
      if (statsd) defer(statsd.close);
      const folder = configuration?.folder ?? process.cwd();
      const replacements = new Replacements({ arbiter, log, by });
      defer(() => replacements.close());
      const ask = (watcher: Watcher) => {
        const own = name === plain ? settingsOf(watcher.spec) : undefined;
        const isMeant = watcher.name.toLowerCase() === target?.toLowerCase();
        return [...(own ? [own] : []), ...(isMeant ? [settingsFrom(options)] : [])];
      };
      const watches = new Watches(ask, {
        ...{ arbiter, log, run, guard, signal, folder, replacements },
        endpoint: controller?.endpoint,
        publish: (watcher, event, facts) => controller?.publish(watcher, event, facts),
        count: (watcher, what) => statsd?.count(watcher, what),
      });
      defer(() => watches.close());

      if (name === plain) hooks.watcherSpec.tap(name, (spec) => refuse(flawsIn(spec, folder)));
      hooks.watcherAdded.tap(name, (watcher) => watches.renew(watcher));
      hooks.watcherUpdated.tap(name, (watcher, keys) => void (keys.includes('options') && watches.renew(watcher)));
      hooks.watcherRemoved.tap(name, (watcher) => watches.forget(watcher));
      hooks.spawned.tap(name, (_process, watcher) => watches.wake(watcher));
      hooks.started.tap(name, () => {
        if (target === undefined || arbiter.find(target)) return;
        const names = arbiter.watchers.map((watcher) => watcher.name);
        log.warn(`there is no watcher "${target}"${didYouMean(target, names)}`);
      });
      for (const watcher of arbiter.watchers) watches.renew(watcher);
      if (controller) defer(controller.addExplanation((watcher) => watches.explain(watcher), by));
    },
  });

export default named(plain);
