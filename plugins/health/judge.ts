/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { SocketSpec, WatcherSpec } from '#core';
import { readSettings, type Flaw } from './settings.js';

/** Judges watchers by what they say, and by the sockets of the daemon. */
export function judge(): (
  options: WatcherSpec['options'],
  around: { readonly spec: WatcherSpec; readonly sockets: readonly SocketSpec[] },
) => readonly Flaw[] {
  return (_options, { spec, sockets }) => readSettings(spec, sockets).flaws;
}
