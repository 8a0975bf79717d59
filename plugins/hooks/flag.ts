/** The flag behind a hook: what reads files needs nothing else of this plugin. */

/** What a command begins with. */
export const commandPrefix = 'exec:';

/** True or false for one of Circus's words; undefined for any other text. */
export function isTrue(text: string): boolean | undefined {
  if (/^\s*(?:yes|true|on|1)\s*$/i.test(text)) return true;
  return /^\s*(?:no|false|off|0)\s*$/i.test(text) ? false : undefined;
}

/** A hook's text and its flag: behind the first comma, as in Circus; a command may have commas of its own. */
export function withFlag(text: string): readonly [target: string, flag?: string] {
  const isCommand = text.trimStart().startsWith(commandPrefix);
  const comma = isCommand ? text.lastIndexOf(',') : text.indexOf(',');
  const flag = text.slice(comma + 1);
  return comma < 0 || (isCommand && isTrue(flag) === undefined) ? [text] : [text.slice(0, comma), flag];
}
