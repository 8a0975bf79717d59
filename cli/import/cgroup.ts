/** Limits that other supervisors set in the kernel's control groups, as options of the plugin cgroup. */
import { limits, type LimitName } from '#plugins/cgroup/limits.js';
import type { Entry, WatcherDraft } from './draft.js';

/** Sets `cgroup.NAME`; what the plugin would refuse is reported. */
export function setGroupLimit(watcher: WatcherDraft, name: LimitName, text: string, from: Entry<unknown>): void {
  const key = `cgroup.${name}`;
  try {
    limits[name].read(text);
    watcher.set(key, text, from);
  } catch (error) {
    watcher.report(from, `"${key}" ${(error as Error).message}`);
  }
}
