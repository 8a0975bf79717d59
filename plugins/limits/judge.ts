/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Flaw } from '../flaw.js';
import { flawsIn, type Options } from './chain.js';
import { thisMachine } from './machine.js';

/** Judges many watchers by what this machine is now. */
export function judge(): (options: Options) => readonly Flaw[] {
  const machine = thisMachine();
  return (options) => flawsIn(options, machine);
}
