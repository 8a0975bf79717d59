/** Counters for statsd, as Circus sends them: datagrams that nobody answers. */
import { createSocket } from 'node:dgram';
import type { SectionOptions } from './options.js';

/** Opens a socket for counters of a watcher; `close` gives it back. */
export function openStatsd({ application_name, host, port, sample_rate }: SectionOptions): {
  readonly count: (watcher: string, what: string) => void;
  readonly close: () => void;
} {
  const socket = createSocket('udp4');
  // Nobody listens, or there is no such host: nothing that a watch over processes should end for.
  socket.on('error', () => undefined);
  socket.unref();
  const rate = sample_rate === 1 ? '' : `|@${sample_rate}`;
  return {
    count(watcher, what) {
      const counter = `circus.${application_name}._resource_watcher.${watcher}.${what}:1|c${rate}`;
      socket.send(counter, port, host, () => undefined);
    },
    close: () => void socket.close(),
  };
}
