/** Who is connected to sockets, as the kernel's own tables tell (proc(5), /proc/net). */
import type { Socket } from '#core';
import { rowsOf } from '../net-table.js';

/** Connections in which somebody may still say something: ESTABLISHED, SYN_RECV, FIN_WAIT1 and 2, CLOSE_WAIT. */
const open = new Set(['01', '03', '04', '05', '08']);
/** Connected and being connected: the `St` of a Unix socket that does not listen. */
const openUnix = new Set(['02', '03']);

/** The ports of this protocol to which somebody is connected. */
function connectedPorts(protocol: 'tcp' | 'udp'): ReadonlySet<number> {
  const rows = ([protocol, `${protocol}6`] as const).flatMap(rowsOf);
  return new Set(
    rows.flatMap(([, local = '', , state = '']) => (open.has(state) ? parseInt(local.split(':').at(-1)!, 16) : [])),
  );
}

/** The files of Unix sockets to which somebody is connected; an accepted socket bears the name of the one that listened. */
function connectedPaths(): ReadonlySet<string> {
  return new Set(
    rowsOf('unix').flatMap(([, , , flags = '', , state = '', , ...path]) =>
      openUnix.has(state) && flags === '00000000' ? path.join(' ') : [],
    ),
  );
}

/** True when somebody is connected to one of these sockets, or waits to be accepted, whoever serves him. */
export function haveConnections(sockets: readonly Socket[]): boolean {
  return sockets.some(({ spec, port }) => {
    if (spec.path !== null) return connectedPaths().has(spec.path);
    return connectedPorts(spec.type === 'SOCK_DGRAM' ? 'udp' : 'tcp').has(port);
  });
}
