/** How many requests a second are answered, and how late, beside supervisord. Part of `npm run bench`. */
import { ratioToCircus, report, runs, type Figure, type Measured } from '../support/peers.js';

/** How many times Circus's requests a second, by how many clients ask at a time. */
const bounds = { '1 client': 2, '8 clients': 3 } as const;

function figuresOf(measured: Measured): readonly Figure[] {
  // The cheapest request of supervisord: what the machine has left for control planes shows in it alone.
  const times = (metric: string, clients: string, unit = '') =>
    ratioToCircus(measured, `${metric}, ${clients}${unit}`, { metric: `getState, ${clients}${unit}` });
  const rate = (metric: string, clients: string, bound: number): Figure => ({
    name: `${metric}, ${clients}, requests a second, times Circus`,
    value: times(metric, clients),
    bound,
    atLeast: true,
    unit: 'x',
  });
  const late = (metric: string, clients: string): Figure => {
    const value = times(metric, clients, ' p99');
    return { name: `${metric}, ${clients}, p99, times Circus`, value, bound: 1, unit: 'x' };
  };
  return Object.entries(bounds).flatMap(([clients, bound]) => [
    ...['list', 'status', 'numprocesses'].flatMap((metric) => [rate(metric, clients, bound), late(metric, clients)]),
    rate('stats', clients, 50),
  ]);
}

report((bench) => {
  for (let run = 0; run < runs; run++) bench('--cases', 'control', '--systems', 'supervisord,ours');
}, figuresOf);
