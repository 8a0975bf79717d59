/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Judge } from '../flaw.js';
import { readSettings } from './settings.js';

/** Judges watchers by what they say, and by the sockets of the daemon. */
export const judge =
  (): Judge =>
  (_options, { spec, sockets }) =>
    readSettings(spec, sockets).flaws;
