/** What changed sections mean for the plugins that are loaded. */
import { reasonOf, type Host, type Log } from '#core';
import type { Change } from '#plugins/controller/service.js';
import type { Assembled } from './assemble.js';

/** Does one thing; a failure is noted. */
export type Attempt = (kind: Change['kind'], name: string, action: () => Promise<unknown>) => Promise<void>;

/** Loads, reloads and unloads plugins; `loaded` holds sections to the plugins that were loaded for them, and is kept up. */
export async function exchangePlugins(
  changes: readonly Change[],
  sections: readonly Assembled[],
  attempt: Attempt,
  host: Host,
  loaded: Map<string, string>,
  log: Log,
): Promise<void> {
  for (const { kind, name, what, cost } of changes) {
    if (kind !== 'plugin' || cost === 'daemon') continue;
    const section = sections.find((plugin) => plugin.name === name);
    await attempt('plugin', name, async () => {
      const live = loaded.get(name);
      loaded.delete(name);
      const loading = what === 'removed' ? undefined : section;
      if (live !== undefined && host.plugins.includes(live)) {
        if (!loading) return void (await host.unload(live));
        const { failures } = await host.reload(live, loading);
        for (const { plugin, error } of failures) log.error(`plugin ${plugin} is not loaded: ${reasonOf(error)}`);
        const own = failures.find(({ plugin }) => plugin === loading.plugin.name);
        if (own && host.plugins.includes(live)) loaded.set(name, live);
        if (own) throw own.error;
      } else {
        if (!loading) return;
        const [failure] = await host.load([loading]);
        if (failure) throw failure.error;
      }
      loaded.set(name, loading.plugin.name);
    });
  }
}
