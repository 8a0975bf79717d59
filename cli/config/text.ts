/** Text as Python sees it, where JavaScript sees it otherwise: Circus's files are read by Python's rules. */

const blank = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const blanks = new RegExp(`^${blank}+$`);
const before = new RegExp(`^${blank}+`);
const after = new RegExp(`${blank}+$`);

/** True for text of one or more blanks, by Python's `str.isspace`. */
export function isBlank(text: string): boolean {
  return blanks.test(text);
}

/** Takes the blanks off the front, as Python's `str.lstrip`. */
export function stripStart(text: string): string {
  return text.replace(before, '');
}

/** Takes the blanks off the end, as Python's `str.rstrip`. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && after.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Takes the blanks off both ends, as Python's `str.strip`. */
export function strip(text: string): string {
  return stripEnd(stripStart(text));
}

/** Orders names by code point, as Python sorts; for `Array.sort`. */
export function byCodePoint(one: string, other: string): number {
  // Only code points beyond U+FFFF, two letters each to JavaScript, stand elsewhere in its own order.
  if (!/[\ud800-\udfff]/.test(one + other)) return one < other ? -1 : one > other ? 1 : 0;
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
