/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Judge } from '../flaw.js';
import { flawsIn, readSection } from './options.js';

/** Judges many watchers, by what they say and what the section says. */
export const judge =
  (): Judge =>
  (_options, { spec, section }) =>
    flawsIn(spec, readSection(section));
