/** PM2's cluster mode: processes that share the port on which their program listens. */
import { extname } from 'node:path';
import type { Tree } from '../config/tree.js';
import { textIn, valueIn } from './data.js';
import type { Entry, WatcherDraft } from './draft.js';

/** Opens the port as a socket of circusd, which `listen` of the program then means; without a port it is reported. */
export function importCluster(watcher: WatcherDraft, app: Tree, entryOf: (key: string) => Entry<unknown>): void {
  if (!isCluster(app)) return;
  const from = entryOf(valueIn(app, 'exec_mode') ? 'exec_mode' : 'instances');
  const port = watcher.env.get('PORT') ?? '';
  // Here each process has a port of its own.
  if (textIn(valueIn(app, 'increment_var')) === 'PORT') return;
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
    const name = watcher.name.toLowerCase().replace(/[^\w.-]+/g, '-');
    const hint = `write [socket:${name}] with host and port, and sockets = ${name} and node_listen = 1 in [watcher:${watcher.name}]`;
    watcher.report(from, 'the file does not name the port that its processes share', hint);
    return;
  }
  const known = watcher.draft.sockets.find(({ options }) => options.get('port') === port);
  const socket = known ?? watcher.draft.socket(watcher.name, watcher.origin);
  socket.set('host', '0.0.0.0', from);
  socket.set('port', port, from);
  watcher.set('sockets', socket.name, from);
  watcher.set('node_listen', true, from);
}

/** PM2 takes a Node program with instances for a cluster unless it is told otherwise. */
function isCluster(app: Tree): boolean {
  const text = (...keys: string[]) => textIn(keys.map((key) => valueIn(app, key)).find((value) => value !== undefined));
  const mode = text('exec_mode');
  if (mode !== '') return mode.startsWith('cluster');
  const interpreter = text('interpreter', 'exec_interpreter');
  const isNode =
    interpreter === '' ? /^(\.[cm]?js)?$/.test(extname(text('script', 'exec'))) : /(^|\/)node$/.test(interpreter);
  return isNode && !/^(|1)$/.test(text('instances'));
}
