/** Starts a watcher when a client comes to one of its sockets, and stops it when none has come for a while. */
import * as v from 'valibot';
import { definePlugin, type Watcher } from '#core';
import { Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { Demand } from './demand.js';
import { explain } from './explain.js';
import { flawsIn, isOnDemand } from './options.js';

/** After other plugins: what flaps is paused or given up first. */
const stage = 100;

export default definePlugin({
  name: 'on-demand',
  options: standard(v.strictObject({})),
  wants: { controller: Controller },
  apply({ arbiter, hooks, services: { controller }, log, by, guard, defer }) {
    const demands = new Map<Watcher, Demand>();
    const demandOf = (watcher: Watcher) => demands.get(watcher);
    const add = (watcher: Watcher) => {
      if (demands.has(watcher)) return;
      const demand = new Demand(watcher, { arbiter, log, by, guard });
      demands.set(watcher, demand);
      demand.update();
    };
    const renewAll = () => {
      for (const demand of demands.values()) demand.renew();
    };

    hooks.watcherSpec.tap('on-demand', (spec) => {
      refuse(flawsIn(spec));
    });
    hooks.hold.tap('on-demand', (reasons, watcher) => {
      const reason = demandOf(watcher)?.reason;
      return reason === undefined ? undefined : [...reasons, reason];
    });
    hooks.respawn.tap({ name: 'on-demand', stage }, (_process, _exit, watcher) =>
      isOnDemand(watcher.spec) && watcher.processes.length === 0 ? 'respawn' : undefined,
    );
    hooks.watcherAdded.tap('on-demand', add);
    hooks.watcherUpdated.tap('on-demand', (watcher) => demandOf(watcher)?.renew());
    hooks.watcherState.tap('on-demand', (watcher) => demandOf(watcher)?.update());
    hooks.spawned.tap('on-demand', (_process, watcher) => demandOf(watcher)?.update());
    hooks.reaped.tap('on-demand', (_exit, _process, watcher) => demandOf(watcher)?.ended());
    hooks.watcherRemoved.tap('on-demand', (watcher) => {
      demandOf(watcher)?.close();
      demands.delete(watcher);
    });
    hooks.socketBound.tap('on-demand', renewAll);
    hooks.socketClosed.tap('on-demand', renewAll);
    for (const watcher of arbiter.watchers) add(watcher);
    if (controller) defer(controller.addExplanation(explain));
    defer(() => {
      for (const demand of demands.values()) demand.close();
    });
  },
});
