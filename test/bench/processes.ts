/** Starting, stopping and replacing a thousand processes beside supervisord and runit. Part of `npm run bench`. */
import { ratioToCircus, report, runs, type Figure, type Measured } from '../support/peers.js';

function figuresOf(measured: Measured): readonly Figure[] {
  const { now } = measured;
  const ours = (metric: string) => now.of('ours', metric);
  const start = ours('start N=1000');
  const growth = Math.log(start / ours('start N=10')) / Math.log(100);
  const started = ratioToCircus(measured, 'start N=1000');
  // supervisord takes twenty times as long as Circus to stop: runit is nearer.
  const stopped = ratioToCircus(measured, 'stop N=1000', { peer: 'runit' });
  return [
    { name: 'start of 1000 workers, times Circus', value: started, bound: 0.4, unit: 'x' },
    { name: 'start of 1000 workers, times runit', value: start / now.of('runit', 'start N=1000'), bound: 1, unit: 'x' },
    { name: 'stop of 1000 workers, times Circus', value: stopped, bound: 1.2, unit: 'x' },
    { name: 'growth of the start from 10 to 1000 workers, exponent', value: growth, bound: 1, unit: '' },
    { name: 'respawn after SIGKILL, median', value: ours('latency p50'), bound: 5, unit: 'ms' },
  ];
}

report((bench) => {
  for (let run = 0; run < runs; run++)
    bench('--cases', 'scale', '--systems', 'supervisord,runit,ours', '--sizes', '10,1000');
  bench('--cases', 'respawn', '--systems', 'ours');
}, figuresOf);
