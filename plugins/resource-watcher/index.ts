/** Replaces processes that use too much memory or processor time. */
import { isDeepStrictEqual } from 'node:util';
import { definePlugin, type Watcher } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { didYouMean } from '../nearest.js';
import { Replacements } from '../replacements.js';
import { explain } from './explain.js';
import { flawsIn, optionsSchema, settingsFrom, settingsOf, type Settings } from './options.js';
import { openStatsd } from './statsd.js';
import { Watch, type Tools } from './watch.js';

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
      const publish: Tools['publish'] = (watcher, event, facts) => controller?.publish(watcher, event, facts);
      const endpoint = controller?.endpoint;
      const surroundings = { folder, endpoint, publish, replacements };
      const tools = { arbiter, log, run, guard, signal, count: () => undefined, ...surroundings };
      const watches = new Map<Watcher, readonly Watch[]>();
      defer(() => [...watches.values()].flat().forEach((watch) => watch.close()));
      defer(() => replacements.close());

      const renew = (watcher: Watcher) => {
        const before = watches.get(watcher) ?? [];
        const own = name === plain ? settingsOf(watcher.spec) : undefined;
        const section = watcher.name.toLowerCase() === target?.toLowerCase() ? settingsFrom(options) : undefined;
        const all = [own, section].filter((settings) => settings !== undefined);
        // What was found so far counts on where nothing of this was changed.
        if (
          isDeepStrictEqual(
            all,
            before.map(({ settings }) => settings),
          )
        )
          return;
        for (const watch of before) watch.close();
        const count = (settings: Settings) => (settings === section && statsd ? { count: statsd.count } : {});
        const after = all.map((settings) => new Watch(watcher, settings, { ...tools, ...count(settings) }));
        watches.set(watcher, after);
        for (const watch of after) watch.wake();
      };
      if (name === plain) hooks.watcherSpec.tap(name, (spec) => refuse(flawsIn(spec, folder)));
      hooks.watcherAdded.tap(name, renew);
      hooks.watcherUpdated.tap(name, (watcher, keys) => void (keys.includes('options') && renew(watcher)));
      hooks.watcherRemoved.tap(name, (watcher) => {
        watches.get(watcher)?.forEach((watch) => watch.close());
        watches.delete(watcher);
      });
      hooks.spawned.tap(name, (_process, watcher) => watches.get(watcher)?.forEach((watch) => watch.wake()));
      hooks.started.tap(name, () => {
        if (target === undefined || arbiter.find(target)) return;
        log.warn(
          `there is no watcher "${target}"${didYouMean(
            target,
            arbiter.watchers.map((one) => one.name),
          )}`,
        );
      });
      for (const watcher of arbiter.watchers) renew(watcher);
      if (!controller) return;
      const told = (watcher: Watcher) => watches.get(watcher)?.map((watch) => explain(watcher, watch));
      defer(controller.addExplanation((watcher) => told(watcher)?.find((one) => one !== undefined), by));
    },
  });

export default named(plain);
