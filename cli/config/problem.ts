/** What is wrong in a configuration, where it is written, and what was probably meant. */
import { plain } from '#plugins/plain.js';
import { byCodePoint } from './text.js';

export { didYouMean, nearest } from '#plugins/nearest.js';

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

/**
 * Renders a problem as compilers do, so that editors can jump to it: `file:line:column: message`. Values are quoted in
 * messages: what would move a terminal's cursor is not.
 */
export function formatProblem(problem: Problem): string {
  return plain(`${problem.file}:${problem.line}:${problem.column}: ${problem.message}`);
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
