/** Looks at the options of watchers without the plugin: for whoever checks a file. */
import type { Socket, SocketSpec, WatcherSpec } from '#core';
import type { Flaw, Judge } from '../flaw.js';
import { programFlaws } from './program-flaws.js';
import { readSettings } from './settings.js';

function allFlaws(spec: WatcherSpec, sockets: readonly SocketSpec[], folder: string): readonly Flaw[] {
  const { settings, flaws } = readSettings(spec, sockets);
  return [...flaws, ...programFlaws(spec, settings, folder)];
}

/** What is wrong with a watcher beside these sockets of a daemon; commands are looked for from `folder`. */
export const flawsIn = (spec: WatcherSpec, sockets: readonly Socket[], folder: string): readonly Flaw[] =>
  allFlaws(
    spec,
    sockets.map((socket) => ({ ...socket.spec, port: socket.port })),
    folder,
  );

/** Judges watchers by what they say, by the sockets of the daemon, and by the programs that there are, seen from `folder`. */
export const judge =
  (folder: string): Judge =>
  (_options, { spec, sockets }) =>
    allFlaws(spec, sockets, folder);
