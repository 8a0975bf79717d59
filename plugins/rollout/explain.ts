/** What there is to tell about replacements: how far one is, and whether clients were cut off. */
import type { Arbiter, Watcher } from '#core';
import type { Explanation } from '../controller/service.js';

/** Where it is told what helps. */
const guide = 'docs/guides/zero-downtime.md';

const connections = (count: number) => (count === 1 ? '1 connection' : `${count} connections`);

/** Says of processes that were replaced that they had connections open at their end; `open` are these, of each of the last ones. */
export function explain(open: readonly number[]): Explanation | undefined {
  const cut = open.filter((count) => count > 0);
  if (cut.length === 0) return undefined;
  const sum = cut.reduce((total, count) => total + count, 0);
  const of =
    open.length === 1 ? 'The last process that was' : `${cut.length} of the last ${open.length} processes that were`;
  return {
    facts: { undrained: { processes: cut.length, of: open.length, connections: sum } },
    text: [
      `${of} replaced ended with ${connections(sum)} still open: at its stop signal it does not drain, or not in time. ${guide} says what helps.`,
    ],
  };
}

/** The step of the reload or replacement that is under way, for `status`. */
export function markOf({ name }: Watcher, { operations }: Arbiter): string | undefined {
  const running = [...operations.values()].find(
    ({ watcher, kind, state }) => watcher === name && state === 'running' && kind === 'reload',
  );
  if (!running) return undefined;
  const { done, total, step } = running.progress;
  return `reload: ${done} of ${total} replaced${step === undefined ? '' : `; ${step}`}`;
}

/** What a process does that leaves its clients to another one. */
export const noteOf = (clients: number): readonly string[] => [
  `It leaves its clients to another: ${connections(clients)} ${clients === 1 ? 'is' : 'are'} still open.`,
];
