/**
 * Plugins in the daemon that Circus runs as watchers (circus-compat §1.8): its clients see them by the same names, with a
 * state and options, and no process.
 */
import { watcherSpec } from '#core';
import type { CommandContext } from './command.js';
import { quoted, RequestError } from './protocol.js';
import type { InnerPlugin } from './service.js';
import { listOptions, withOptions } from './watcher-options.js';

/** Where they are looked for. */
export type InnerContext = Pick<CommandContext, 'arbiter' | 'asker' | 'configuration'>;

/** Those that the asker may know of. */
export function innerPlugins({ arbiter, asker, configuration }: InnerContext): readonly InnerPlugin[] {
  const all = configuration?.innerPlugins ?? [];
  return all.filter(({ name }) => !arbiter.find(name) && (asker.sees?.(name) ?? true));
}

/** The one of this name, without regard to case. */
export function innerPlugin(context: InnerContext, name: string): InnerPlugin | undefined {
  return innerPlugins(context).find((plugin) => plugin.name.toLowerCase() === name.toLowerCase());
}

/** Refuses a command that needs a process, or that would change the section. @throws RequestError */
export function refuseInner(context: InnerContext, command: string, name: string): void {
  const plugin = innerPlugin(context, name);
  if (!plugin) return;
  const advice = `change [${plugin.name}] in the file, or take it out, and say reloadconfig`;
  throw new RequestError(5, `${plugin.name} runs in circusd, so there is no ${quoted(command)} for it: ${advice}`);
}

export const innerState = ({ active }: InnerPlugin): 'active' | 'stopped' => (active ? 'active' : 'stopped');

/** How many of them run: in Circus each is a process. */
export const countOf = (plugins: readonly InnerPlugin[]): number => plugins.filter(({ active }) => active).length;

/** The options that Circus gives to a plugin's watcher, and those of the section; what is run is the class. */
export function innerOptions({ name, circusClass: cmd, priority, options }: InnerPlugin): Record<string, unknown> {
  const closed = { close_child_stdout: true, close_child_stderr: true };
  const spec = watcherSpec({ name, cmd, priority, singleton: true, copy_env: true, ...closed });
  // A word of both the plugin and watchers, such as max_retry, stands in both places in Circus, there as a number.
  const given = Object.entries(options).map(([key, value]) => [key, Object.hasOwn(spec, key) ? Number(value) : value]);
  return listOptions(withOptions(spec, Object.fromEntries(given)));
}
