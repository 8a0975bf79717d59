/** The plugin health: asks its questions at the moments when the kernel wants to know. */
import * as v from 'valibot';
import { definePlugin } from '#core';
import { Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { standard } from '../schema.js';
import { forgiveOutputs, hear, withChannels } from './channels.js';
import { explain, objectionTo } from './explain.js';
import { rewatch, watchOver } from './liveness.js';
import { Notices } from './notices.js';
import { Question } from './readiness.js';
import { Records } from './records.js';
import { Turns } from './schedule.js';
import { Health } from './service.js';
import { readSettings } from './settings.js';

/** Before the plugins that put outputs elsewhere: those that go to the daemon's own are known by that. */
const stage = 50;

/** Finds out whether processes can serve, and whether those that could still work. */
export default definePlugin({
  name: 'health',
  options: standard(v.strictObject({})),
  wants: { controller: Controller },
  provides: { health: Health },
  apply({ arbiter, hooks, services: { controller }, log, by, run, defer, guard, keep, restored }) {
    const records = new Records((name) => arbiter.find(name)?.spec, restored);
    keep(() => records.state);
    defer(() => records.close());
    const unhealthy = ({ pid, watcher }: { readonly pid: number; readonly watcher: string }, reason: string) =>
      controller?.publish(watcher, 'unhealthy', { process_pid: pid, reason });
    const tools = { arbiter, records, run, log, by, unhealthy, turns: new Turns(arbiter.clock) };
    const notices = new Notices(`circusd-notify-${arbiter.id}`, { arbiter, records, log, guard });
    defer(() => notices.close());
    defer(forgiveOutputs());

    hooks.watcherSpec.tap('health', (spec) => {
      const sockets = [...arbiter.sockets.values()].map((socket) => ({ ...socket.spec, port: socket.port }));
      refuse(readSettings(spec, sockets).flaws);
    });
    hooks.spawnSpec.tap({ name: 'health', stage }, (process, watcher, { wid, spec, preview }) => {
      const settings = records.settingsOf(spec);
      if (preview) return withChannels(process, settings, () => notices.address).process;
      const prepared = withChannels(process, settings, () => notices.open());
      records.take(watcher.name, wid, { spec, forwards: prepared.forwards });
      return prepared.process;
    });
    hooks.output.tap('health', (chunk, fd, process) => hear(chunk, fd, process, records.of(process)));
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
      for (const process of watcher.processes) if (process.state !== 'unready') watchOver(process, watcher, tools);
    if (controller) defer(controller.addNotes((process) => explain(process, records.of(process)), by));
    return { health: { objection: (process) => objectionTo(process, records.of(process)) } };
  },
});
