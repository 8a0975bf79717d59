/** Text as Python sees it, where JavaScript sees it otherwise: Circus's files are read by Python's rules. */

const blank = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const blanks = new RegExp(`^${blank}+$`);
const before = new RegExp(`^${blank}+`);
const after = new RegExp(`${blank}+$`);

/** True for text of one or more blanks, by Python's `str.isspace`. */
export function isBlank(text: string): boolean {
  return !isInk(text, 0) && blanks.test(text);
}

/** Takes the blanks off the front, as Python's `str.lstrip`. */
export function stripStart(text: string): string {
  return isInk(text, 0) ? text : text.replace(before, '');
}

/** Takes the blanks off the end, as Python's `str.rstrip`. */
export function stripEnd(text: string): string {
  if (isInk(text, text.length - 1)) return text;
  let end = text.length;
  while (end > 0 && after.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Takes the blanks off both ends, as Python's `str.strip`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}

/** True for a letter of ASCII that is no blank, which most of them are. */
function isInk(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code > 0x20 && code < 0x7f;
}

/** Orders names by code point, as Python sorts; for `Array.sort`. */
export function byCodePoint(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    const difference = rank(one.charCodeAt(at)) - rank(other.charCodeAt(at));
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

/** Code points beyond U+FFFF are two letters each to JavaScript, which come before U+E000 in its own order. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
