// Runs the scripts of one tier beside the tests (bench, chaos, fuzz, soak), one after the other: build/test/TIER/**/*.js.
// `npm run bench -- limits` runs only test/bench/limits.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const [tier, ...args] = process.argv.slice(2);
const node = (...words) => spawnSync(process.execPath, words, { stdio: 'inherit' }).status;

if (node('.ci/build.mjs') !== 0) process.exit(1);
const folder = `build/test/${tier}`;
const names = existsSync(folder) ? readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.js')) : [];
if (names.length === 0) console.log(`There is nothing in test/${tier} yet.`);
const chosen = names.filter((name) => args.includes(name.replace(/\.js$/, '')));
for (const name of (chosen.length > 0 ? chosen : names).sort()) {
  console.log(`test/${tier}/${name.replace(/\.js$/, '.ts')}`);
  if (node('--enable-source-maps', join(folder, name), ...args) !== 0) process.exitCode = 1;
}
