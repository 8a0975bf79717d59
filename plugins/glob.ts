/** Shell patterns as Python's `fnmatch` reads them: `*`, `?`, `[seq]`, `[!seq]`; case matters. */

/** One character, where it stands for itself, also in a class. */
const literal = (char: string) => `\\u{${char.codePointAt(0)!.toString(16)}}`;

/** The inside of a bracket as a class; ranges that run backwards hold nothing, as in Python. */
function characterClass(inside: readonly string[]): string {
  const negated = inside[0] === '!';
  const chars = negated ? inside.slice(1) : inside;
  let items = '';
  for (let at = 0; at < chars.length; at++) {
    const from = chars[at]!;
    const to = chars[at + 1] === '-' ? chars[at + 2] : undefined;
    if (to === undefined) items += literal(from);
    else {
      if (from.codePointAt(0)! <= to.codePointAt(0)!) items += `${literal(from)}-${literal(to)}`;
      at += 2;
    }
  }
  return `[${negated ? '^' : ''}${items}]`;
}

/** Turns a shell pattern, as Python's fnmatch knows it, into a regular expression for a whole name. */
export function globToRegExp(glob: string): RegExp {
  const chars = [...glob];
  /** What lies between the stars. */
  const pieces = [''];
  const add = (source: string) => (pieces[pieces.length - 1] += source);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') pieces.push('');
    else if (char === '?') add('.');
    else if (char === '[') {
      // A bracket that comes first stands for itself; without an end, so does the opening one.
      const end = chars.indexOf(']', at + (chars[at + 1] === '!' ? 3 : 2));
      if (end < 0) add('\\[');
      else {
        add(characterClass(chars.slice(at + 1, end)));
        at = end;
      }
    } else add(literal(char));
  }
  const [first, ...middle] = pieces;
  const last = middle.pop();
  if (last === undefined) return new RegExp(`^${first}$`, 'su');
  // A star that has taken the shortest text up to the next piece never has to be looked at again: no pattern is slow.
  const taken = middle.map((piece, at) => (piece === '' ? '' : `(?=(?<s${at}>.*?${piece}))\\k<s${at}>`));
  return new RegExp(`^${first}${taken.join('')}.*${last}$`, 'su');
}
