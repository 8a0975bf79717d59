/** The plugin dependencies: has watchers wait for each other, and for what is outside. */
import * as v from 'valibot';
import { definePlugin, type WatcherSpec } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { Health } from '../health/service.js';
import { standard } from '../schema.js';
import { treeCommand } from './command.js';
import { explain } from './explain.js';
import { Follower } from './follower.js';
import { Graph } from './graph.js';
import { withGraph } from './order.js';
import { settingsOf } from './settings.js';

/** Before all others: what comes to it is the order of priorities. */
const stage = -1000;

/** Orders the starts and stops of watchers, holds them back, and restarts them with what they require. */
export default definePlugin({
  name: 'dependencies',
  options: standard(v.strictObject({})),
  wants: { configuration: Configuration, controller: Controller, health: Health },
  apply({ arbiter, hooks, services: { configuration, controller, health }, log, by, signal, guard, defer }) {
    const specs = () => arbiter.watchers.map(({ spec }) => spec);
    const leftOut = (name: string) => configuration?.leftOut(name);
    const follower = new Follower({
      ...{ arbiter, log, by, guard, closed: signal },
      objection: (process) => health?.objection(process),
      absence: (name) => leftOut(name) && `it is left out because of the error at ${leftOut(name)}`,
      waits: (watcher, what) => controller?.publish(watcher, 'waiting', { waits_for: what }),
      publish: (watcher, facts) => controller?.publish(watcher, 'dependency', facts),
    });
    defer(() => follower.close());

    hooks.watcherSpec.tap('dependencies', (spec: WatcherSpec) => {
      // Of a file all is judged together; while it is carried out, one may name another that is still to come.
      if (!configuration || configuration.placing) return refuse(settingsOf(spec).flaws);
      const others = specs().filter(({ name }) => name.toLowerCase() !== spec.name.toLowerCase());
      return refuse(new Graph([...others, spec]).flawsOf(spec));
    });
    hooks.removal.tap('dependencies', (reasons, watcher) => {
      const names = new Set(follower.followersOf(watcher).map((link) => link.watcher.name));
      return [...reasons, ...[...names].map((name) => `watcher "${name}" names it in what it waits for`)];
    });
    hooks.startAfter.tap({ name: 'dependencies', stage }, (edges, _arbiter, what) => {
      if (what === 'start') follower.expect();
      // Who waits for no more than the spawns of another is woken by those, and not by the end of its start.
      return withGraph(
        edges,
        new Graph(specs()).edges((need) => what === 'start' && need.condition === 'started'),
      );
    });
    hooks.hold.tap('dependencies', (reasons, watcher) => [...reasons, ...follower.hold(watcher)]);
    hooks.watcherAdded.tap('dependencies', (watcher) => follower.add(watcher));
    hooks.watcherUpdated.tap('dependencies', (watcher) => follower.add(watcher));
    hooks.watcherRemoved.tap('dependencies', (watcher) => follower.remove(watcher));
    hooks.watcherState.tap('dependencies', (watcher) => follower.moved(watcher));
    hooks.processState.tap('dependencies', ({ watcher }) => follower.touch(watcher));
    hooks.spawned.tap('dependencies', (_process, { name }) => follower.touch(name));
    hooks.reaped.tap('dependencies', (_exit, _process, { name }) => follower.touch(name));
    hooks.operationChanged.tap('dependencies', ({ watcher }) => follower.touch(watcher));
    hooks.reloaded.tap('dependencies', ({ name }, { started }) => void (started.length > 0 && follower.replaced(name)));
    for (const watcher of arbiter.watchers) follower.add(watcher);
    if (!controller) return;
    defer(controller.addCommand(treeCommand(follower)));
    defer(controller.addExplanation((watcher) => explain(watcher, follower), by));
  },
});
