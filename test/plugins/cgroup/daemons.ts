/** Daemons whose groups are in the hierarchy of the tests, and what they say. */
import { basename } from 'node:path';
import type { Circusd } from '../../support/circusd.js';
import { inRoot } from '../../support/paths.js';
import { see } from '../../support/proc.js';
import { daemonPerTest } from '../daemon.js';
import type { Hierarchy } from './hierarchy.js';

/** A program of the tests. */
export const fixture = (name: string): string => inRoot('test', 'fixtures', 'programs', name);

/** True for a process that has not ended. */
export const runs = (pid: number): boolean => see(pid)?.zombie === false;

/** What `explain` says. */
interface Explained {
  readonly text: string;
  readonly stop: { readonly means: string };
  readonly cgroup?: { readonly path: string; readonly frozen: boolean };
}
export const explained = async (daemon: Circusd, name: string): Promise<Explained> =>
  (await daemon.json('explain', name)) as Explained;

/** Why the processes of a watcher ended. */
export async function reasonsOf(daemon: Circusd, name: string): Promise<readonly string[]> {
  const { exits } = (await daemon.json('history', name)) as { readonly exits: readonly { readonly reason: string }[] };
  return exits.map(({ reason }) => reason);
}

/** The pids of a watcher. */
export const pidsOf = async (daemon: Circusd, name: string): Promise<readonly number[]> =>
  ((await daemon.json('list', name)) as { readonly pids: readonly number[] }).pids;

/**
 * To be called in a `describe`: starts daemons with these watchers, each with its groups below one that is made for it and
 * told, or below the one that is given.
 */
export function daemonsIn(
  hierarchy: () => Hierarchy,
): (watchers: string, given?: string) => Promise<{ readonly daemon: Circusd; readonly root: string }> {
  const start = daemonPerTest();
  let count = 0;
  return async (watchers, given) => {
    const root = given ?? hierarchy().make(`root-${++count}`);
    const section = `[plugin:cgroup]\nuse = cgroup\nroot = ${hierarchy().inside(basename(root))}\n`;
    const through = hierarchy().through(hierarchy().here);
    return { daemon: await start(section + watchers, { through }), root };
  };
}
