/** The plugin cgroup: takes the kernel’s notices to the groups, and offers its commands. */
import { childrenOf, definePlugin, type Watcher } from '#core';
import { Controller } from '../controller/service.js';
import { refuse } from '../flaw.js';
import { freezing } from './commands.js';
import { systemFiles } from './files.js';
import { Groups } from './groups.js';
import { flawsIn, optionsSchema } from './options.js';
import { Power } from './power.js';
import { Subtree } from './subtree.js';

const family = (parent: number): number[] => childrenOf(parent).flatMap((pid) => [pid, ...family(pid)]);

/** Gives each watcher a control group, with limits, and each of its processes one below it, in which its tree is killed and frozen. */
export default definePlugin({
  name: 'cgroup',
  options: optionsSchema,
  wants: { controller: Controller },
  apply({ arbiter, hooks, log, services: { controller }, optionsFor, by, defer, guard, keep, restored }, { root }) {
    const files = systemFiles;
    const busy = () => arbiter.watchers.filter(({ processes }) => processes.length > 0).map(({ name }) => name);
    const warn = (text: string) => log.warn(text);
    const own = { pid: process.pid, uid: process.geteuid?.() ?? 0, family: () => family(process.pid), busy };
    const subtree = new Subtree({ files, warn, ...own }, root);
    const groups = new Groups({ files, subtree, optionsFor, warn });
    const power = new Power(files, arbiter.clock, groups);
    log.info(`the control groups of watchers are in ${subtree.path}`);
    keep(() => arbiter.watchers.filter((watcher) => groups.of(watcher)?.frozen).map(({ name }) => name));
    const update = guard((watcher: Watcher) => {
      groups.tidy(watcher);
      return groups.limit(watcher);
    });
    const resume = guard((watcher: Watcher) =>
      groups.resume(watcher, (restored as readonly string[] | undefined)?.includes(watcher.name)),
    );
    for (const watcher of arbiter.watchers) resume(watcher);
    defer(() => groups.close());

    hooks.watcherSpec.tap('cgroup', ({ options }) => {
      refuse(flawsIn(options));
    });
    hooks.watcherUpdated.tap('cgroup', (watcher, keys) => void (keys.includes('options') && update(watcher)));
    hooks.spawnSpec.tap('cgroup', (spec, watcher, at) => groups.enter(spec, watcher, at));
    hooks.spawned.tap('cgroup', (process, watcher) => groups.arrived(process, watcher));
    hooks.descendants.tap('cgroup', (pids, process) => groups.family(pids, process));
    hooks.processState.tap('cgroup', (process, _, after) => void (after === 'stopping' && power.release(process)));
    hooks.means.tap('cgroup', (_means, { watcher }) => power.means(watcher));
    hooks.reaped.tap('cgroup', (_exit, _process, watcher) => groups.tidy(watcher));
    hooks.beforeStop.tap('cgroup', (watcher) => groups.of(watcher)?.freeze(false));
    hooks.afterStop.tap('cgroup', (watcher) => power.clear(watcher));
    hooks.watcherRemoved.tap('cgroup', (watcher) => groups.forget(watcher));

    if (!controller) return;
    for (const command of freezing(groups, power)) defer(controller.addCommand(command));
    defer(controller.addMemoryCounter((process) => groups.counterOf(process), by));
    defer(controller.addMark((watcher) => (groups.of(watcher)?.frozen ? 'frozen' : undefined), by));
    defer(controller.addExplanation((watcher) => groups.explain(watcher), by));
  },
});
