/** What plugins have against the options of watchers. */
import type { SocketSpec, WatcherSpec } from '#core';

/** What is wrong with an option; the message goes on after the key's name. */
export interface Flaw {
  readonly key: string;
  readonly message: string;
  /** Most likely a mistake, with which the watcher could be run. */
  readonly likely?: true;
}

/**
 * What is wrong with the options of a watcher, in a daemon with these sockets and, that one among them, watchers; `section`
 * is what that of the plugin says.
 */
export type Judge = (
  options: WatcherSpec['options'],
  around: {
    readonly spec: WatcherSpec;
    readonly sockets: readonly SocketSpec[];
    readonly section: Readonly<Record<string, unknown>>;
    readonly watchers: readonly WatcherSpec[];
  },
) => readonly Flaw[] | Promise<readonly Flaw[]>;

/** Refuses a watcher for its flaws, unless none of them keeps it from running. @throws Error that tells of all */
export function refuse(flaws: readonly Flaw[]): void {
  const wrong = flaws.filter(({ likely }) => !likely);
  if (wrong.length > 0) throw new Error(wrong.map(({ key, message }) => `"${key}" ${message}`).join('; '));
}
