/** What JSON and YAML files hold: mappings, lists and texts, each with its place. */
import type { Problem } from './problem.js';

/** Where something begins; both count from 1. */
export interface Spot {
  readonly line: number;
  readonly column: number;
}

/** A mapping, a list, or a single value as text; undefined for null. */
export type Tree = Spot &
  (
    | { readonly kind: 'mapping'; readonly entries: readonly Entry[] }
    | { readonly kind: 'list'; readonly items: readonly Tree[] }
    | { readonly kind: 'value'; readonly text: string | undefined }
  );

/** One key of a mapping with its value; the place is that of the key. */
export interface Entry extends Spot {
  readonly key: string;
  readonly value: Tree;
}

/** A file as it was read; without a tree when it could not be read. */
export interface TreeFile {
  readonly tree: Tree | undefined;
  readonly problems: readonly Problem[];
}

/** How deep a file may be nested, and how many values it may hold with all that it repeats. */
export const limits = { depth: 32, values: 200_000 };

/** Tells the place of an index in a text; for texts that are looked at from front to back. */
export function spots(text: string): (index: number) => Spot {
  const starts = [0];
  for (const found of text.matchAll(/\r\n|\r|\n/g)) starts.push(found.index + found[0].length);
  return (index) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= index) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: index - starts[low]! + 1 };
  };
}
