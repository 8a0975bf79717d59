/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { WatcherSpec } from '#core';
import { flawsIn, type Flaw } from './options.js';

/** Judges many watchers. */
export function judge(): (options: WatcherSpec['options'], spec: WatcherSpec) => readonly Flaw[] {
  return (_options, spec) => flawsIn(spec);
}
