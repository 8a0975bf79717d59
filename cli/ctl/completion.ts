/** What Tab puts at the end of a line of the shell. */
import type { Peer } from './client.js';
import type { Reply } from './failure.js';
import { findCommand } from './table.js';
import { ask } from './wire.js';

/** How long the daemon may think about it, in ms. */
const briefly = 1000;

const question = { properties: {}, changes: false };
const keysOf = (value: unknown): readonly string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];

/** The names of watchers, and of groups with their sign; none when the daemon does not tell. */
async function namesFrom(peer: Peer): Promise<readonly string[]> {
  const quick = { ...peer, timeout: briefly, patient: false };
  const nothing = (): Reply => ({});
  const [{ statuses }, { groups }] = (await Promise.all(
    ['status', 'groups'].map((command) => ask(quick, { ...question, command }).catch(nothing)),
  )) as [Reply, Reply];
  return [...keysOf(statuses), ...keysOf(groups).map((group) => `@${group}`)];
}

/** What may follow, and the beginning of it that is there: one of `commands`, then what a command takes names of. */
export async function completions(
  line: string,
  commands: readonly string[],
  names: () => Promise<readonly string[]>,
): Promise<[string[], string]> {
  const [command = '', ...words] = line.trimStart().split(/\s+/);
  const last = words.at(-1);
  const among = (all: readonly string[], start: string): [string[], string] => [
    all.filter((name) => name.startsWith(start)),
    start,
  ];
  if (last === undefined) return among(commands, command);
  const takesNames = findCommand(command)?.words[0]?.kind === 'names';
  return among(takesNames ? await names() : [], last);
}

/** For readline. */
export const completer =
  (peer: Peer, commands: readonly string[]) =>
  (line: string, done: (error: null, result: [string[], string]) => void): void => {
    const answer = async () => done(null, await completions(line, commands, () => namesFrom(peer)));
    void answer();
  };
