// `npm test`: builds, sees to the programs that tests need, lints, runs the tests, and ends with one line that says how
// many checks passed and failed. With arguments (--grep TEXT, test/core/scope.test.ts, test/core) only tests are run.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeToPackages } from './debian.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const args = process.argv.slice(2).filter((word) => word !== '--full');
const full = process.argv.includes('--full');
/** How long the test process may live after its last test, in ms: it ends by itself 10 s after, unless it hangs. */
const patience = 30_000;
const total = { passed: 0, failed: 0 };
const complaints = [];

function count(name, ok, complaint) {
  total[ok ? 'passed' : 'failed']++;
  if (!ok) complaints.push(complaint ?? `${name} failed, see above.`);
  return ok;
}

/** Runs a Node program of ours or of a package; resolves with true when it ended well. */
const succeeds = (program, ...words) =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { stdio: 'inherit' });
    child.once('error', () => resolve(false)).once('exit', (code) => resolve(code === 0));
  });

async function lint() {
  console.log('Lint and format');
  const strict = ['--type-aware', '--deny-warnings', '--report-unused-disable-directives'];
  count('lint', await succeeds('node_modules/oxlint/bin/oxlint', ...strict));
  const quiet = ['--check', '--log-level', 'warn', '.'];
  const formatted = await succeeds('node_modules/prettier/bin/prettier.cjs', ...quiet);
  count('format', formatted, 'Some files are not formatted: run "npm run format".');
}

/** In a process of its own, so that even a crash there leaves us to tell of it. */
async function test() {
  const folder = mkdtempSync(join(tmpdir(), 'circusd-npm-test-'));
  const file = join(folder, 'results.json');
  const { CIRCUSD_FULL: _dropped, ...env } = process.env;
  const child = spawn(process.execPath, ['--enable-source-maps', '.ci/mocha.mjs', '--results', file, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...env, ...(full && { CIRCUSD_FULL: '1' }) },
  });
  const interrupt = (signal) => child.kill(signal);
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
  void killLate(child, file);
  const end = await ended;
  const results = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  rmSync(folder, { recursive: true });
  total.passed += results.passed;
  total.failed += results.failed;
  if (results.skipped > 0) console.log(`${results.skipped} skipped`);
  if (results.passed + results.failed === 0) count('tests', false, 'No test ran.');
  if (end !== 0 && results.failed === 0) count('tests', false, `The test process ended with ${end}.`);
}

/** A native call can hold up even process.exit(). */
async function killLate(child, file) {
  const unlimited = { ref: false };
  while (child.exitCode === null && !existsSync(file)) await sleep(1000, undefined, unlimited);
  await sleep(patience, undefined, unlimited);
  child.kill('SIGKILL');
}

if (count('build', await succeeds('.ci/build.mjs'))) {
  if (args.length === 0) {
    const outcome = await seeToPackages();
    if (outcome) console.log(outcome.sentence);
    if (outcome?.fatal) count('packages', false, outcome.sentence);
    await lint();
  }
  await test();
}
for (const complaint of complaints) console.log(complaint);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
