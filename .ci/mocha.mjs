// Runs the compiled tests in this process, and writes what came out as JSON to the file named by --results.
// Not mocha's own program, because a handle that stays open after the last test is to be named and to fail the run.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
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

/** One line about something that keeps the loop alive. */
function describeHandle(handle) {
  const kind = handle.constructor.name;
  if (handle.spawnargs) return `${kind} ${handle.pid}: ${handle.spawnargs.join(' ')}`;
  if (handle.listening !== undefined) return `${kind} on ${JSON.stringify(handle.address())}`;
  const { remoteAddress: address, remotePort: port, _handle: { fd } = {} } = handle;
  return address === undefined ? `${kind} of descriptor ${fd}` : `${kind} of descriptor ${fd} to ${address}:${port}`;
}

/** When the loop is still alive after a while, says what holds it, and fails. */
function watchHandles(results) {
  const nameHandles = () => {
    console.error(`\nAfter the last test these still hold the process open: ${process.getActiveResourcesInfo()}`);
    for (const handle of process._getActiveHandles()) {
      if (handle === process.stdout || handle === process.stderr) continue;
      console.error(`  ${describeHandle(handle)}`);
      if (handle.spawnargs) handle.kill('SIGTERM');
    }
    finish({ ...results, failed: results.failed + 1 });
    process.exit(1);
  };
  setTimeout(nameHandles, patience).unref();
}

/**
 * A hook outside of any `describe` would run around the tests of all other files too, and end the run when it fails.
 * Files that have one are left out; answers what to say about them, once all are loaded.
 */
function leaveOutHooksForAll() {
  const { suite } = mocha;
  const hooks = [suite._beforeAll, suite._beforeEach, suite._afterEach, suite._afterAll];
  const complaints = [];
  let suites = 0;
  suite.on(Mocha.Suite.constants.EVENT_FILE_POST_REQUIRE, (_global, file) => {
    if (hooks.some(({ length }) => length > 0)) {
      for (const list of hooks) list.length = 0;
      suite.suites.length = suites;
      const source = relative('build', file).replace(/\.js$/, '.ts');
      complaints.push(`${source} was left out: its hooks outside of describe would run for every other file too.`);
    }
    suites = suite.suites.length;
  });
  return complaints;
}

const files = testFiles();
const complaints = leaveOutHooksForAll();
for (const file of files) mocha.addFile(file);
try {
  await mocha.loadFilesAsync();
  const runner = mocha.run(() => {
    const { passes: passed, failures: failed, pending: skipped } = runner.stats;
    const results = { passed, failed: failed + complaints.length, skipped };
    for (const complaint of complaints) console.error(complaint);
    finish(results);
    watchHandles(results);
  });
} catch (error) {
  // A file that can't be loaded, or a forbidden `only`.
  console.error(error);
  finish({ passed: 0, failed: 1, skipped: 0 });
}
