/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Judge } from '../flaw.js';
import { flawsIn } from './options.js';

/** Judges many watchers; commands are looked for from `folder`. */
export const judge =
  (folder: string): Judge =>
  (_options, { spec }) =>
    flawsIn(spec, folder);
