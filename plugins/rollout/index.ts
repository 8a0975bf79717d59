/** Decides how processes are replaced: in which portions, with which pauses and questions, and how the old ones leave. */
import * as v from 'valibot';
import { definePlugin } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { Drains } from './drain.js';
import { explain, markOf, noteOf } from './explain.js';
import { Partings } from './partings.js';
import { flawsOf } from './settings.js';
import { Steps } from './steps.js';

export default definePlugin({
  name: 'rollout',
  options: standard(v.strictObject({})),
  wants: { controller: Controller, configuration: Configuration },
  apply({ arbiter, hooks, services: { controller, configuration }, log, by, run, defer }) {
    const folder = configuration?.folder ?? process.cwd();
    const steps = new Steps(arbiter, (watcher, pids) => controller?.publish(watcher, 'canary', { pids }));
    const drains = new Drains({ arbiter, log, run, folder, endpoint: controller?.endpoint });
    const partings = new Partings(arbiter.clock);
    defer(() => partings.close());

    hooks.watcherSpec.tap('rollout', (spec) => {
      const running = arbiter.find(spec.name)?.spec;
      // What a smaller number of processes made wrong keeps nobody from changing something else.
      const known = running ? flawsOf(running, folder).map(({ key }) => key) : [];
      refuse(flawsOf(spec, folder).filter(({ key }) => !known.includes(key)));
    });
    hooks.reloadPlan.tap('rollout', (_plan, spec, watcher) => steps.plan(spec, watcher));
    hooks.beforeStep.tap('rollout', (step, signal) => steps.before(step, signal));
    hooks.beforeReplaced.tap('rollout', async (process, signal) => {
      // At once, as the stop follows at once.
      signal.addEventListener('abort', () => drains.clientsOf(process) && partings.isLate(process));
      await drains.drain(process, await partings.expect(process), signal);
    });
    hooks.processState.tap('rollout', (process, _before, after) => {
      if (after === 'stopping' && arbiter.find(process.watcher)?.wanted === 'up') partings.watch(process);
    });
    hooks.watcherRemoved.tap('rollout', ({ name }) => partings.forget(name));
    if (!controller) return;
    defer(controller.addExplanation(({ name }) => explain(partings.of(name)), by));
    defer(controller.addMark((watcher) => markOf(watcher, arbiter), by));
    defer(
      controller.addNotes((process) => {
        const clients = drains.clientsOf(process);
        return clients === undefined ? undefined : noteOf(clients);
      }, by),
    );
    defer(controller.addContinuation(steps.proceed, by));
  },
});
