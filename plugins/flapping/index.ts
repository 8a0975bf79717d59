/** The plugin flapping: asked about each process that ended. */
import { definePlugin, type Watcher } from '#core';
import { Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { Brake } from './brake.js';
import { explain, mark, type Known } from './explain.js';
import { flawsIn, optionsSchema } from './options.js';
import { Restarts } from './restarts.js';
import { settingsUnder } from './settings.js';

/** Before other plugins: what they do before a start is not to be old when it comes. */
const stage = -100;

/** Answers the kernel's question what to do about a process that ended, when a slot's processes end too often. */
export default definePlugin({
  name: 'flapping',
  options: optionsSchema,
  wants: { controller: Controller },
  apply({ arbiter, hooks, services: { controller }, log, by, restored, keep, defer, guard }, options) {
    const settingsOf = settingsUnder(options);
    const publish = (...event: Parameters<NonNullable<typeof controller>['publish']>) => controller?.publish(...event);
    const restarts = new Restarts({ arbiter, log, settingsOf, publish, guard }, restored);
    keep(() => restarts.state);
    defer(() => restarts.close());
    const brake = new Brake(arbiter.clock, options.restarts_per_second);
    defer(() => brake.close());

    hooks.watcherSpec.tap('flapping', (spec) => refuse(flawsIn(spec, options)));
    hooks.respawn.tap('flapping', (process, exit, watcher) => {
      const verdict = restarts.judge(process, exit, watcher);
      if (watcher.spec.respawn && verdict !== 'stop' && verdict !== 'complete') brake.expect(watcher.name, process.wid);
      return verdict;
    });
    hooks.retrying.tap('flapping', ({ name }, wid) => brake.expect(name, wid));
    hooks.beforeSpawn.tap({ name: 'flapping', stage, deadline: Infinity }, ({ name }, signal) =>
      brake.pass(name, signal),
    );
    hooks.spawned.tap('flapping', (process, watcher) => {
      brake.started(watcher.name, process.wid);
      restarts.watch(process, watcher);
    });
    hooks.delivered.tap('flapping', (process, signal, sent) => void (sent && restarts.signalled(process, signal)));
    hooks.reaped.tap('flapping', (exit, process) => restarts.ended(process, exit));

    // An operator's start begins anew, also in the middle of a pause; the kernel's goes on where something was waited for.
    hooks.operationChanged.tap('flapping', ({ kind, watcher, state, by: asker }) => {
      if (state !== 'running' || asker === 'kernel') return;
      if (kind === 'start' || kind === 'restart') restarts.forget(watcher);
      if (kind !== 'replace') brake.release(watcher);
    });
    hooks.watcherUpdated.tap('flapping', (watcher, keys) => {
      if (keys.includes('options')) for (const process of watcher.processes) restarts.watch(process, watcher);
    });
    hooks.watcherRemoved.tap('flapping', ({ name }) => {
      restarts.forget(name);
      brake.release(name);
    });
    for (const watcher of arbiter.watchers) for (const process of watcher.processes) restarts.watch(process, watcher);

    const facts = (watcher: Watcher): Known => ({
      settings: settingsOf(watcher),
      places: restarts.of(watcher),
      braked: brake.holds(watcher.name),
    });
    if (!controller) return;
    defer(controller.addMark((watcher) => mark(watcher, facts(watcher), arbiter.clock.now()), by));
    defer(controller.addExplanation((watcher) => explain(watcher, facts(watcher), arbiter.clock.now()), by));
  },
});
