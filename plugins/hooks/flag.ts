/** The flag behind a hook: what reads files needs nothing else of this plugin. */

import { truthOf } from '../truth.js';

/** What a command begins with. */
export const commandPrefix = 'exec:';

/** A hook's text and its flag: behind the first comma, as in Circus; a command may have commas of its own. */
export function withFlag(text: string): readonly [target: string, flag?: string] {
  const isCommand = text.trimStart().startsWith(commandPrefix);
  const comma = isCommand ? text.lastIndexOf(',') : text.indexOf(',');
  const flag = text.slice(comma + 1);
  return comma < 0 || (isCommand && truthOf(flag) === undefined) ? [text] : [text.slice(0, comma), flag];
}
