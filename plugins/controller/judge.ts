/** Looks at the groups and labels of watchers: for whoever checks a file, and before a watcher gets them. */
import type { Flaw, Judge } from '../flaw.js';
import { groupsIn, isLabelValue, isWord } from '../selector.js';

const word = 'blanks, commas and =!@*?[]';

/** What is wrong with the groups and labels of a watcher: a selector could not name them. */
export function flawsIn(options: Readonly<Record<string, unknown>>): readonly Flaw[] {
  return Object.entries(options).flatMap(([key, value]): readonly Flaw[] => {
    if (value === null || value === undefined) return [];
    if (key === 'group') return groupFlaws(value);
    if (!key.startsWith('label.')) return [];
    if (!isWord(key.slice('label.'.length))) return [{ key, message: `is no label: its name is without ${word}` }];
    const isText = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    if (isText && isLabelValue(String(value))) return [];
    return [{ key, message: `must be one word without "," and "=", and is ${JSON.stringify(value)}` }];
  });
}

function groupFlaws(value: unknown): readonly Flaw[] {
  const isText = typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
  const odd = isText ? groupsIn(value).find((group) => !isWord(group)) : JSON.stringify(value);
  if (odd === undefined) return [];
  const given = isText ? JSON.stringify(odd) : odd;
  return [
    { key: 'group', message: `must be names of groups with commas between them, without ${word}, and has ${given}` },
  ];
}

/** Judges many watchers. */
export const judge = (): Judge => flawsIn;
