/** What a watcher and its keeper need to know of their surroundings. */
import type { HookBoard } from './board.js';
import type { Clock } from './clock.js';
import type { Operation } from './operation.js';
import type { Socket } from './socket.js';

/** The arbiter's part of a watcher. */
export interface WatcherContext {
  readonly board: HookBoard;
  readonly clock: Clock;
  readonly sockets: ReadonlyMap<string, Socket>;
  /** Tells this daemon's descendants from those of others. */
  readonly daemon: string;
  /** The first of these plugins that is not live; undefined when all are. */
  readonly missing: (plugins: readonly string[]) => string | undefined;
  readonly announce: (operation: Operation) => void;
  /** True when everything is being stopped: nothing else is begun any more. */
  readonly closing: () => boolean;
}
