/** The plugin health: asks its questions at the moments when the kernel wants to know. */
import * as v from 'valibot';
import { definePlugin, type Process } from '#core';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { forgiveOutputs, hear, withChannels } from './channels.js';
import { explain, objectionTo } from './explain.js';
import { flawsIn } from './judge.js';
import { rewatch, watchOver } from './liveness.js';
import { Notices } from './notices.js';
import { Question } from './readiness.js';
import { Records } from './records.js';
import { retire } from './retirement.js';
import { Health } from './service.js';
import { makeTools, wants } from './tools.js';

/** Before the plugins that put outputs elsewhere: those that go to the daemon's own are known by that. */
const stage = 50;

/** Finds out whether processes can serve, and whether those that could still work. */
export default definePlugin({
  name: 'health',
  options: standard(v.strictObject({})),
  wants,
  provides: { health: Health },
  apply(context) {
    const { arbiter, hooks, services, log, by, defer, guard, keep, restored } = context;
    const records = new Records((name) => arbiter.find(name)?.spec, restored, arbiter.clock);
    keep(() => records.state);
    defer(() => records.close());
    const tools = makeTools(context, records);
    const leaves = guard((process: Process, reason: string) => retire(process, reason, tools));
    const told = { now: () => arbiter.clock.monotonic(), retire: leaves };
    const notices = new Notices(`circusd-notify-${arbiter.id}`, { arbiter, records, log, guard, retire: leaves });
    defer(() => notices.close());
    defer(forgiveOutputs());

    hooks.watcherSpec.tap('health', (spec) => refuse(flawsIn(spec, [...arbiter.sockets.values()], tools.folder)));
    hooks.spawnSpec.tap({ name: 'health', stage }, (process, watcher, { wid, spec, preview }) => {
      const settings = records.settingsOf(spec);
      if (preview) return withChannels(process, settings, () => notices.address).process;
      const prepared = withChannels(process, settings, () => notices.open());
      records.take(watcher.name, wid, { spec, forwards: prepared.forwards });
      return prepared.process;
    });
    hooks.output.tap('health', (chunk, fd, process) => hear(chunk, fd, process, records.of(process), told));
    hooks.ready.tap('health', async (process, watcher) => {
      const answer = await new Question(process, watcher, tools).ask();
      watchOver(process, watcher, tools);
      return answer;
    });
    hooks.processState.tap('health', (process, _before, after) => {
      if (after === 'ready') records.of(process).wasReady = true;
    });
    hooks.watcherUpdated.tap('health', (watcher) => rewatch(watcher, tools));
    // Those that were there before it.
    notices.resume();
    for (const watcher of arbiter.watchers)
      for (const process of watcher.processes) {
        const asked = records.askedBefore(process);
        if (asked !== undefined) leaves(process, asked);
        if (process.state !== 'unready') watchOver(process, watcher, tools);
      }
    if (services.controller) defer(services.controller.addNotes((process) => explain(process, records), by));
    return { health: { objection: (process) => objectionTo(process, records.of(process)) } };
  },
});
