/** A watcher that is reloaded, and what its daemon tells of it. */
import type { Circusd } from '../../support/circusd.js';

export type Fields = Readonly<Record<string, unknown>>;

/** Two processes that are ready at once. */
export const sleeper = (options: string) => `
[watcher:web]
cmd = sleep 600
numprocesses = 2
ready_after = 0
${options}
`;

/** Their pids, ascending. */
export const pidsOf = async (daemon: Circusd) => (await daemon.pids('web')).toSorted((a, b) => a - b);

/** The events of this name. */
export const eventsOf = async (daemon: Circusd, name: string) => {
  const { events } = (await daemon.json('events')) as { readonly events: readonly Fields[] };
  return events.filter(({ topic }) => topic === `watcher.web.${name}`);
};
