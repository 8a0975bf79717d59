/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Judge } from '../flaw.js';
import { flawsOf } from './settings.js';

/** Judges watchers of a configuration in this folder. */
export const judge =
  (folder: string): Judge =>
  (_options, { spec }) =>
    flawsOf(spec, folder);
