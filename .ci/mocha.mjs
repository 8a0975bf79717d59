// Runs the compiled tests in this process, and writes what came out as JSON to the file named by --results.
// Not mocha's own program, because a handle that stays open after the last test is to be named and to fail the run.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inspect, parseArgs } from 'node:util';
import Mocha from 'mocha';

/** How long handles may stay open after the last test, in ms. */
const patience = 10_000;
const tiers = /^build\/test\/(bench|chaos|fixtures|fuzz|soak)\//;
const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    results: { type: 'string' },
    grep: { type: 'string', short: 'g' },
    fgrep: { type: 'string', short: 'f' },
    invert: { type: 'boolean', short: 'i' },
    bail: { type: 'boolean', short: 'b' },
    timeout: { type: 'string', short: 't' },
  },
});

/** The compiled file or folder that a path such as `test/core/scope.test.ts` or `test/core/...` stands for. */
const compiled = (path) =>
  path
    .replace(/^(\.\/)?(build\/)?/, 'build/')
    .replace(/\.ts$/, '.js')
    .replace(/\/(\.\.\.)?$/, '');

function testFiles() {
  const all = readdirSync('build/test', { recursive: true })
    .map((name) => `build/test/${name}`)
    .filter((file) => file.endsWith('.test.js') && !tiers.test(file))
    .sort();
  const wanted = positionals.map(compiled);
  if (wanted.length === 0) return all;
  return all.filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)));
}

/** As mocha's own, with the tests that took longest at the end. */
class Reporter extends Mocha.reporters.Spec {
  #tests = [];

  constructor(runner, options) {
    super(runner, options);
    runner.on(Mocha.Runner.constants.EVENT_TEST_END, (test) => this.#tests.push(test));
  }

  epilogue() {
    super.epilogue();
    const timed = this.#tests.filter(({ duration }) => duration > 0);
    const slowest = timed.sort((one, other) => other.duration - one.duration).slice(0, 10);
    if (slowest.length > 0) console.log('The slowest tests:');
    for (const test of slowest) console.log(`${String(test.duration).padStart(7)} ms  ${test.fullTitle()}`);
  }
}

const settings = JSON.parse(readFileSync('.mocharc.json', 'utf8'));
const mocha = new Mocha({
  timeout: Number(given.timeout ?? settings.timeout),
  slow: settings.slow,
  forbidOnly: true,
  reporter: Reporter,
  ...(given.bail && { bail: true }),
  ...(given.grep !== undefined && { grep: given.grep }),
  ...(given.fgrep !== undefined && { fgrep: given.fgrep }),
  ...(given.invert && { invert: true }),
});

function finish(results) {
  if (given.results) writeFileSync(given.results, JSON.stringify(results));
  process.exitCode = results.failed > 0 || results.passed === 0 ? 1 : 0;
}

/** When the loop is still alive after a while, says what holds it, and fails. */
function watchHandles(results) {
  const nameHandles = () => {
    console.error(`\nAfter the last test these still hold the process open: ${process.getActiveResourcesInfo()}`);
    const handles = process
      ._getActiveHandles()
      .filter((handle) => handle !== process.stdout && handle !== process.stderr);
    for (const handle of handles) console.error(inspect(handle, { depth: 0, breakLength: 120 }).slice(0, 2000));
    finish({ ...results, failed: results.failed + 1 });
    process.exit(1);
  };
  setTimeout(nameHandles, patience).unref();
}

const files = testFiles();
for (const file of files) mocha.addFile(file);
try {
  await mocha.loadFilesAsync();
  const runner = mocha.run(() => {
    const { passes: passed, failures: failed, pending: skipped } = runner.stats;
    const results = { passed, failed, skipped };
    finish(results);
    watchHandles(results);
  });
} catch (error) {
  // A file that can't be loaded, or a forbidden `only`.
  console.error(error);
  finish({ passed: 0, failed: 1, skipped: 0 });
}
