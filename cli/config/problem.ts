/** What is wrong in a configuration, where it is written, and what was probably meant. */

import { byCodePoint } from './text.js';

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One finding: an `error` takes something out of the configuration, a `warning` does not. */
export interface Problem extends Place {
  readonly severity: 'error' | 'warning';
  readonly section?: string;
  readonly key?: string;
  /** A warning of what is most likely a mistake: `--check` and `--strict` take it for an error. */
  readonly likely?: true;
  /** One sentence without place and full stop. */
  readonly message: string;
}

/** How many letters a value may have: no program can be started with more. */
export const longestValue = 1_000_000;

/** The rest of a sentence about a line or a value that is too long. */
export function tooLong(length: number): string {
  return `has ${length} letters, and more than ${longestValue} are not read`;
}

/** Renders a problem as compilers do, so that editors can jump to it: `file:line:column: message`. */
export function formatProblem(problem: Problem): string {
  return `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`;
}

/** Problems as a strict reader sees them: what is most likely a mistake is an error. */
export function strictly(problems: readonly Problem[]): readonly Problem[] {
  return problems.map((problem) => (problem.likely ? { ...problem, severity: 'error' } : problem));
}

/** Orders problems by place, files in the order in which they were read; for `Array.sort`. */
export function byPlace(files: readonly string[]): (one: Problem, other: Problem) => number {
  const ranks = new Map(files.map((file, at) => [file, at]));
  const rank = ({ file }: Problem): number => ranks.get(file) ?? files.length;
  const byName = (one: Problem, other: Problem): number => byCodePoint(one.file, other.file);
  return (one, other) =>
    rank(one) - rank(other) || byName(one, other) || one.line - other.line || one.column - other.column;
}

/** The candidate that was probably meant by `name`, or undefined when none is near; case does not matter. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const sought = name.toLowerCase();
  let best: string | undefined;
  let least = 1 + (sought.length <= 4 ? 1 : sought.length <= 8 ? 2 : 3);
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - sought.length) >= least) continue;
    const found = distance(sought, candidate.toLowerCase());
    if (found < least && found < candidate.length) {
      best = candidate;
      least = found;
    }
  }
  return best;
}

/** What to add to a sentence about an unknown name: ` (did you mean "numprocesses"?)`, or nothing when none is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const meant = nearest(name, candidates);
  return meant === undefined ? '' : ` (did you mean "${meant}"?)`;
}

/** How many letters must be put in, left out, changed or swapped with their neighbour to make one word the other. */
function distance(one: string, other: string): number {
  let older: number[] = [];
  let old = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const line = [row];
    for (let at = 1; at <= other.length; at++) {
      const same = one[row - 1] === other[at - 1];
      let cost = Math.min(old[at]! + 1, line[at - 1]! + 1, old[at - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      if (swapped) cost = Math.min(cost, older[at - 2]! + 1);
      line.push(cost);
    }
    older = old;
    old = line;
  }
  return old[other.length]!;
}
