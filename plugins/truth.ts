/** Circus's words for true and false. */

/** True for yes, true, on and 1, false for no, false, off and 0, in any case; undefined for any other text. */
export function truthOf(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (['yes', 'true', 'on', '1'].includes(word)) return true;
  return ['no', 'false', 'off', '0'].includes(word) ? false : undefined;
}
