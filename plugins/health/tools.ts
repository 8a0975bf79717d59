/** What watching and retiring take, made from what the plugin is given. */
import type { PluginContext, Process } from '#core';
import { Configuration, Controller } from '../controller/service.js';
import { Replacements } from '../replacements.js';
import type { WatchTools } from './liveness.js';
import type { Records } from './records.js';
import { Turns } from './schedule.js';

/** The services that the plugin uses where they are there. */
export const wants = { controller: Controller, configuration: Configuration };

/** Makes it; replacements under way end with the plugin. */
export function makeTools(
  { arbiter, run, log, by, defer, services }: PluginContext<unknown, Record<never, never>, typeof wants>,
  records: Records,
): WatchTools {
  const { controller, configuration } = services;
  const replacements = new Replacements({ arbiter, log, by });
  defer(() => replacements.close());
  return {
    ...{ arbiter, records, run, log, by, replacements },
    turns: new Turns(arbiter.clock),
    folder: configuration?.folder ?? process.cwd(),
    endpoint: controller?.endpoint,
    publish: (event: string, { pid, watcher }: Process, reason: string) =>
      controller?.publish(watcher, event, { process_pid: pid, reason }),
  };
}
