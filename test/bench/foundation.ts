/** The figures of the foundation beside supervisord: starts, respawns, idling, memory, control. Part of `npm run bench`. */
import { ratioToCircus, report, runs, type Figure, type Measured } from '../support/peers.js';

function figuresOf(measured: Measured): readonly Figure[] {
  const { now, then } = measured;
  const ours = (metric: string) => now.of('ours', metric);
  const start = (workers: number, bound: number): Figure => {
    const metric = `start N=${workers}`;
    // supervisord waits a second for its own poll first: what it does per worker is what can be compared.
    const value = workers === 1 ? ours(metric) / then.of('circus', metric) : ratioToCircus(measured, metric);
    return { name: `start of ${workers} workers, times Circus`, value, bound, unit: 'x' };
  };
  const list = (clients: string): Figure => {
    const value = ratioToCircus(measured, `list, ${clients}`, { metric: `getState, ${clients}` });
    return { name: `list, ${clients}, times Circus`, value, bound: 1.5, atLeast: true, unit: 'x' };
  };
  const further = ((ours('USS N=1000') - ours('USS N=100')) / 900) * 1024;
  const above = ours('PSS N=1') - now.of('node', 'idle PSS');
  return [
    start(1, 1.2),
    start(100, 0.7),
    start(1000, 0.45),
    { name: 'respawn after SIGKILL, median', value: ours('latency p50'), bound: 10, unit: 'ms' },
    { name: 'respawn after SIGKILL, p99', value: ours('latency p99'), bound: 50, unit: 'ms' },
    { name: 'idle CPU, 500 workers', value: ours('CPU N=500'), bound: 0.3, unit: 'ms/s' },
    { name: 'memory (PSS) above a bare node, 1 worker', value: above, bound: 14, unit: 'MB' },
    { name: 'memory per further worker', value: further, bound: 6, unit: 'KB' },
    list('8 clients'),
    list('1 client'),
  ];
}

report((bench) => {
  bench('--cases', 'limits', '--systems', 'ours');
  for (let run = 0; run < runs; run++)
    bench('--cases', 'scale', '--systems', 'supervisord,ours', '--sizes', '1,100,500,1000');
  bench('--cases', 'respawn,control', '--systems', 'supervisord,ours');
}, figuresOf);
