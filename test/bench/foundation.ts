/**
 * The figures of the foundation, each as a ratio to a peer measured in the same run: `npm run bench`.
 *
 * The loads come from the harness in ../shared/bench, which starts supervisord and us in turn. Circus itself is not
 * there; its figures are taken by the ratio to supervisord that the harness recorded (results/baseline.jsonl).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot, program } from '../support/paths.js';

const harness = inRoot('../shared/bench');
const runs = Number(process.env['RUNS'] ?? 7);

interface Sample {
  readonly bench: string;
  readonly system: string;
  readonly metric: string;
  readonly value: number;
}

const read = (file: string): readonly Sample[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Sample);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const of = (samples: readonly Sample[], system: string, metric: string) =>
  median(samples.filter((sample) => sample.system === system && sample.metric === metric).map(({ value }) => value));

/** One figure: what it may be at most (or at least), and what it is. */
interface Figure {
  readonly name: string;
  readonly value: number;
  readonly bound: number;
  readonly atLeast?: true;
  readonly unit: string;
}

/** How much of Circus's value ours is, by way of a peer that both were measured beside. */
function ratioToCircus(
  now: readonly Sample[],
  then: readonly Sample[],
  ours: string,
  peer: string,
  theirs = ours,
): number {
  const circus = (of(then, 'circus', theirs) / of(then, 'supervisord', peer)) * of(now, 'supervisord', peer);
  return of(now, 'ours', ours) / circus;
}

function figuresOf(now: readonly Sample[], then: readonly Sample[]): readonly Figure[] {
  const start = (workers: number, bound: number): Figure => {
    const metric = `start N=${workers}`;
    // supervisord waits a second for its own poll first: what it does per worker is what can be compared.
    const scaled =
      workers === 1 ? of(now, 'ours', metric) / of(then, 'circus', metric) : ratioToCircus(now, then, metric, metric);
    return { name: `start of ${workers} workers, times Circus`, value: scaled, bound, unit: 'x' };
  };
  const bare = of(now, 'node', 'idle PSS');
  return [
    start(1, 1.2),
    start(100, 0.7),
    start(1000, 0.45),
    { name: 'respawn after SIGKILL, median', value: of(now, 'ours', 'latency p50'), bound: 10, unit: 'ms' },
    { name: 'respawn after SIGKILL, p99', value: of(now, 'ours', 'latency p99'), bound: 50, unit: 'ms' },
    { name: 'idle CPU, 500 workers', value: of(now, 'ours', 'CPU N=500'), bound: 0.3, unit: 'ms/s' },
    {
      name: 'memory (PSS) above a bare node, 1 worker',
      value: of(now, 'ours', 'PSS N=1') - bare,
      bound: 14,
      unit: 'MB',
    },
    {
      name: 'memory per further worker',
      value: ((of(now, 'ours', 'USS N=1000') - of(now, 'ours', 'USS N=100')) / 900) * 1024,
      bound: 6,
      unit: 'KB',
    },
    {
      name: 'list, 8 clients, times Circus',
      value: ratioToCircus(now, then, 'list, 8 clients', 'getState, 8 clients'),
      bound: 1.5,
      atLeast: true,
      unit: 'x',
    },
    {
      name: 'list, 1 client, times Circus',
      value: ratioToCircus(now, then, 'list, 1 client', 'getState, 1 client'),
      bound: 1.5,
      atLeast: true,
      unit: 'x',
    },
  ];
}

function measure(): readonly Sample[] {
  const folder = mkdtempSync(join(tmpdir(), 'circusd-bench-'));
  const out = join(folder, 'run.jsonl');
  const env = {
    ...process.env,
    OURS: `${process.execPath} ${program('circusd')}`,
    OURS_CTL: `${process.execPath} ${program('circusctl')}`,
  };
  const bench = (...args: string[]) => {
    const { status } = spawnSync('/usr/bin/python3', ['bench.py', '--out', out, ...args], {
      cwd: harness,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new Error(`the harness failed with exit code ${status}`);
  };
  try {
    bench('--cases', 'limits', '--systems', 'ours');
    for (let run = 0; run < runs; run++)
      bench('--cases', 'scale', '--systems', 'supervisord,ours', '--sizes', '1,100,500,1000');
    bench('--cases', 'respawn,control', '--systems', 'supervisord,ours');
    return read(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!existsSync(harness)) {
  console.log(`${harness} is not there: these figures need its loads and the recorded figures of Circus`);
} else {
  const figures = figuresOf(measure(), read(join(harness, 'results/baseline.jsonl')));
  for (const { name, value, bound, atLeast, unit } of figures) {
    const fits = atLeast ? value >= bound : value <= bound;
    if (!fits) process.exitCode = 1;
    console.log(
      `${fits ? 'ok  ' : 'FAIL'} ${name}: ${value.toFixed(2)} ${unit} (${atLeast ? 'at least' : 'at most'} ${bound})`,
    );
  }
}
