/** What each link of the exec chain adds to a start, beside the same start without it in the same run: part of `npm run bench`. */
import { chainOf, type Options } from '../../plugins/limits/chain.js';
import { thisMachine } from '../../plugins/limits/machine.js';
import { releaseReaper } from '../../core/posix/reap.js';
import { startHelper } from '../core/child.js';

/** In ms for each link. */
const bound = 1.3;
const rounds = Number(process.env['ROUNDS'] ?? 150);

const options: Options = {
  ...{ umask: '022', rlimit_nofile: '1024', oom_score_adj: '100', ionice: 'idle', sched: 'batch', nice: '5' },
  ...{ cpu_affinity: '0', no_new_privileges: '1' },
};
const files = { 0: 'null', 1: 'null', 2: 'inherit' } as const;
const base = { command: '/bin/true', args: [], env: { PATH: '/usr/bin:/bin' }, cwd: '/', files };

/** From the start of a program that does nothing to its end, in ms. */
async function timed(chain: readonly (readonly string[])[]): Promise<number> {
  const begun = performance.now();
  const { code } = await startHelper({ ...base, chain }, () => undefined).finished();
  if (code !== 0) throw new Error(`${chain.flat().join(' ')} ended with ${code}`);
  return performance.now() - begun;
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

const whole = chainOf(options, 1, thisMachine());
const chains = [[], whole, ...whole.map((link) => [link])];
const samples = chains.map((): number[] => []);
// Learning of an end keeps no program alive.
const alive = setInterval(() => undefined, 1000);
// In turn, so that what else the machine does meets all of them alike.
for (let round = 0; round < rounds; round++)
  for (const [at, chain] of chains.entries()) samples[at]!.push(await timed(chain));

const [bare = 0, all = 0, ...single] = samples.map(median);
const perLink = (all - bare) / whole.length;
if (perLink > bound) process.exitCode = 1;
console.log(
  `${perLink <= bound ? 'ok  ' : 'FAIL'} each of ${whole.length} links: ${perLink.toFixed(2)} ms (at most ${bound}), ` +
    `${(perLink / bare).toFixed(2)} of a start without any, which takes ${bare.toFixed(2)} ms`,
);
for (const [at, [program = '']] of whole.entries())
  console.log(`     ${program}: ${(single[at]! - bare).toFixed(2)} ms`);
clearInterval(alive);
releaseReaper();
