/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Judge } from '../flaw.js';
import { flawsIn } from './options.js';

/** Judges many watchers. */
export const judge = (): Judge => flawsIn;
