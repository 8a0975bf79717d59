/** Imports the socket of a `[fcgi-program:NAME]`, which is the standard input of its processes. */
import type { Entry, WatcherDraft } from './draft.js';

/** What supervisord gives a socket's file when nothing is written. */
const usualMode = '0700';

/** Makes the socket, or takes the one that another process of the same program has. */
export function importSocket(watcher: WatcherDraft, entries: ReadonlyMap<string, Entry>): void {
  const entry = entries.get('socket');
  if (!entry) return;
  const [, file, host, port] = /^(?:unix:\/\/(.+)|tcp:\/\/(.+):(\d{1,5}))$/.exec(entry.value) ?? [];
  const [, digits] = /^0?([0-7]{3})$/.exec(entries.get('socket_mode')?.value ?? usualMode) ?? [];
  if ((file === undefined && port === undefined) || Number(port ?? 0) > 65_535) {
    watcher.report(entry, `"${entry.value}" is neither unix://PATH nor tcp://HOST:PORT`);
    return;
  }
  const { draft, origin } = watcher;
  const known = draft.sockets.find((one) => one.origin === origin);
  const socket = known ?? draft.socket(watcher.ids[0] ?? watcher.name, origin);
  if (file === undefined) {
    socket.set('host', host === '*' ? '0.0.0.0' : host!, entry);
    socket.set('port', port!, entry);
  } else {
    socket.set('path', file, entry);
    socket.set('replace', true, entry);
    if (digits === undefined) watcher.report(entries.get('socket_mode')!, 'it is no file mode such as 0700');
    else socket.set('umask', 0o777 & ~parseInt(digits, 8), entry);
    const owner = entries.get('socket_owner');
    const [, user, group] = /^([^:]+)(?::(.+))?$/.exec(owner?.value ?? '') ?? [];
    if (user !== undefined) socket.set('owner', user, owner!);
    if (group !== undefined) socket.set('group', group, owner!);
  }
  const backlog = entries.get('socket_backlog');
  if (backlog) socket.set('backlog', backlog.value, backlog);
  const isWhole = socket.options.has('path') || (socket.options.has('host') && socket.options.has('port'));
  if (isWhole) watcher.set('stdin_socket', socket.name, entry);
  else draft.sockets.splice(draft.sockets.indexOf(socket), 1);
}
