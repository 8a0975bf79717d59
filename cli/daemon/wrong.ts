/** What is wrong in the files of a running daemon, as its clients are told of it. */
import { formatProblem, type Problem } from '../config/problem.js';

/** Each as a line: its severity, its place and the message. */
export const worded = (problems: readonly Problem[]): readonly string[] =>
  problems.map((problem) => `${problem.severity}: ${formatProblem(problem)}`);

/** The place, as `FILE:LINE`, of the error for which a watcher is left out; undefined when it is not. */
export function leftOut(problems: readonly Problem[], watcher: string): string | undefined {
  const section = `watcher:${watcher}`.toLowerCase();
  const found = problems.find((one) => one.severity === 'error' && one.section?.toLowerCase() === section);
  return found && `${found.file}:${found.line}`;
}
