/** How long a configuration of a thousand watchers takes to be read, filled in and checked: part of `npm run bench`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inRoot } from '../support/paths.js';

/** In ms, on a machine where a bare Node needs 77 ms to start; other machines are compared by that. */
const bound = 150;
const bareNode = 77;
const runs = 7;

const watcher = (at: number) => `[watcher:w${at}]
cmd = run --port $(circus.env.PORT) --wid $(circus.wid)
args = --name w${at}
numprocesses = 2
working_dir = /tmp
copy_env = True
graceful_timeout = 10
rlimit_nofile = 1024
`;

/** Reads the file in a process of its own, cold, and prints how long that took. */
const program = (file: string) => `
const { readConfiguration } = await import(${JSON.stringify(inRoot('build/cli/config/build.js'))});
const begun = performance.now();
const { problems, watchers } = readConfiguration(${JSON.stringify(file)}, process.env);
const took = performance.now() - begun;
if (problems.length > 0 || watchers.length !== 1000) throw new Error('it was not read');
console.log(took);`;

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function node(source: string): { readonly output: string; readonly took: number } {
  const begun = performance.now();
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return { output: stdout, took: performance.now() - begun };
}

const folder = mkdtempSync(join(tmpdir(), 'circusd-bench-'));
try {
  const file = join(folder, 'circus.ini');
  writeFileSync(
    file,
    ['[circus]\n[env]\nPORT = 80\n', ...Array.from({ length: 1000 }, (_, at) => watcher(at))].join('\n'),
  );
  const samples = Array.from({ length: runs }, () => ({
    bare: node('0').took,
    read: Number(node(program(file)).output),
  }));
  const speed = median(samples.map(({ bare }) => bare)) / bareNode;
  const value = median(samples.map(({ read }) => read)) / speed;
  if (value > bound) process.exitCode = 1;
  const here = `${median(samples.map(({ read }) => read)).toFixed(0)} ms here`;
  console.log(
    `${value <= bound ? 'ok  ' : 'FAIL'} 1,000 watchers in one file: ${value.toFixed(0)} ms (at most ${bound}; ${here})`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
