/** Keeps what operators decided over restarts of the daemon, and the specs that were good. */
import { definePlugin, type Watcher } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { commandsOf } from './commands.js';
import { Decisions } from './decisions.js';
import { explain, markOf } from './explain.js';
import { GoodSpecs } from './good-specs.js';
import { optionsSchema } from './options.js';
import { OutOfService } from './out-of-service.js';
import { stateDirectory } from './place.js';
import { Rollback } from './rollback.js';
import { Stability } from './stability.js';
import { StateFolder } from './state-folder.js';

/** Offers `disable`, `enable` and `rollback`. */
export default definePlugin({
  name: 'intent',
  options: optionsSchema,
  needs: { configuration: Configuration },
  wants: { controller: Controller },
  apply({ arbiter, hooks, services, log, by, defer, guard }, { state_dir, stable_after }) {
    const { configuration, controller } = services;
    const folder = new StateFolder(stateDirectory(state_dir, configuration.file), log);
    defer(() => folder.close());
    const decisions = new Decisions(folder);
    const service = new OutOfService(arbiter, decisions);
    defer(() => service.close(by));
    const specs = new GoodSpecs(folder, arbiter.clock);
    defer(() => specs.flush((name) => arbiter.find(name) !== undefined));
    const askerOf = (watcher: string) => controller?.askerOf(watcher);
    const stability = new Stability({ arbiter, guard, log, askerOf }, stable_after, specs, decisions);
    defer(() => stability.close());
    const rollback = new Rollback({ configuration, decisions, specs, stability });

    const keep = guard((watcher: Watcher) => service.keep(watcher, by));
    const added = (watcher: Watcher) => {
      keep(watcher);
      stability.added(watcher);
    };
    hooks.watcherAdded.tap('intent', added);
    for (const watcher of arbiter.watchers) added(watcher);
    hooks.watcherUpdated.tap('intent', (watcher, keys) => stability.changed(watcher, keys));
    hooks.watcherRemoved.tap('intent', (watcher) => stability.forget(watcher));
    hooks.watcherState.tap('intent', (watcher) => stability.look(watcher));
    hooks.processState.tap('intent', ({ watcher: name }) => {
      const watcher = arbiter.find(name);
      if (watcher) stability.look(watcher);
    });
    hooks.reaped.tap('intent', (exit, _process, watcher) => stability.ended(exit, watcher));
    hooks.operationChanged.tap('intent', (operation) => stability.operated(operation));

    if (!controller) return;
    for (const command of commandsOf(service, rollback)) defer(controller.addCommand(command));
    const mark = (watcher: Watcher) => {
      const disabled = watcher.disabled === undefined ? undefined : service.about(watcher.name);
      return disabled && markOf(disabled, arbiter.clock.now());
    };
    defer(controller.addMark(mark, by));
    const sources = { service, decisions, stability };
    defer(controller.addExplanation((watcher) => explain(watcher, sources, arbiter.clock.now()), by));
  },
});
