/** A daemon for each test of a plugin, with its watchers added: its endpoints are there a moment earlier. */
import { circusdPerTest, type Circusd } from '../support/circusd.js';

const isUp = ({ log }: Circusd) => log.includes('Arbiter now waiting for commands');

/** As `circusdPerTest`. */
export function daemonPerTest(): ReturnType<typeof circusdPerTest> {
  const start = circusdPerTest();
  return (ini, options) => start(ini, { ready: isUp, ...options });
}
