/**
 * Figures beside our peers: the harness in ../shared/bench starts them and us in turn, under the same loads. Circus is
 * not there; it is reached by its recorded ratio to a peer that is (results/baseline.jsonl of the harness).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot, program } from './paths.js';

const harness = inRoot('../shared/bench');
/** How often the systems are measured in turn. */
export const runs = Number(process.env['RUNS'] ?? 7);

interface Sample {
  readonly system: string;
  readonly metric: string;
  readonly value: number;
}

/** What was measured. */
export class Samples {
  readonly #samples: readonly Sample[];

  constructor(file: string) {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    this.#samples = lines.map((line) => JSON.parse(line) as Sample);
  }

  /** The median of a metric, in its own unit. @throws Error when it was not measured */
  of(system: string, metric: string): number {
    const found = this.#samples.filter((sample) => sample.system === system && sample.metric === metric);
    const sorted = found.map(({ value }) => value).sort((a, b) => a - b);
    const middle = sorted.length >> 1;
    if (sorted.length === 0) throw new Error(`there is no "${metric}" of ${system}`);
    return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  }
}

/** What was measured now, and what was recorded of Circus and its peers. */
export interface Measured {
  readonly now: Samples;
  readonly then: Samples;
}

/** A peer that both Circus and we were measured beside, and its metric where that has another name. */
interface By {
  readonly peer?: string;
  readonly metric?: string;
}

/** How much of Circus's value ours is, by way of a peer. */
export function ratioToCircus({ now, then }: Measured, ours: string, by: By = {}): number {
  const { peer = 'supervisord', metric = ours } = by;
  const circus = (then.of('circus', ours) / then.of(peer, metric)) * now.of(peer, metric);
  return now.of('ours', ours) / circus;
}

/** One figure: what it may be at most (or at least), and what it is. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly bound: number;
  readonly atLeast?: true;
  readonly unit: string;
}

/** Runs the harness, prints the figures made of its samples, and fails when one is out of bounds. */
export function report(
  load: (bench: (...args: readonly string[]) => void) => void,
  figuresOf: (measured: Measured) => readonly Figure[],
): void {
  if (!existsSync(harness)) {
    console.log(`${harness} is not there: these figures need its loads and the recorded figures of Circus`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'circusd-bench-'));
  const out = join(folder, 'run.jsonl');
  const own = (name: string) => `${process.execPath} ${program(name)}`;
  const env = { ...process.env, OURS: own('circusd'), OURS_CTL: own('circusctl') };
  try {
    load((...args) => {
      const words = ['bench.py', '--out', out, ...args];
      const { status } = spawnSync('/usr/bin/python3', words, {
        cwd: harness,
        env,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      if (status !== 0) throw new Error(`the harness failed with exit code ${status}`);
    });
    const measured = { now: new Samples(out), then: new Samples(join(harness, 'results/baseline.jsonl')) };
    for (const { name, value, bound, atLeast, unit } of figuresOf(measured)) {
      const fits = atLeast ? value >= bound : value <= bound;
      if (!fits) process.exitCode = 1;
      const limit = `${atLeast ? 'at least' : 'at most'} ${bound}`;
      console.log(`${fits ? 'ok  ' : 'FAIL'} ${name}: ${value.toFixed(2)} ${unit} (${limit})`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
