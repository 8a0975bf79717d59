/** The guide to restarts: what it says happens, with its own configurations and shorter times. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fencesOf } from '../meta/markdown.js';
import { circusdPerTest, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { inRoot } from '../support/paths.js';

const text = readFileSync(inRoot('docs', 'guides', 'restarts.md'), 'utf8');
/** The configuration that has these words, with programs that are there and times of its own. */
function configuration(words: string, program: string, more = ''): string {
  const found = fencesOf(text).filter((fence) => fence.info === 'ini' && fence.text.includes(words));
  assert.equal(found.length, 1, words);
  const ini = found[0]!.text;
  const times = { retry_in: 0.1, retry_max: 0.5, stable: 0.5 };
  const short = Object.entries(times).reduce(
    (all, [key, seconds]) => all.replace(new RegExp(`^(flapping\\.${key}) = .*$`, 'm'), `$1 = ${seconds}`),
    ini,
  );
  return `${short.replace(/^cmd = .*$/m, () => `cmd = sh -c "${program}"\ncopy_env = True`)}${more}`;
}

describe('the guide to restarts', () => {
  const start = circusdPerTest();
  const status = async (daemon: Circusd) => (await daemon.ctl('status')).stdout;
  const eventsOf = async (daemon: Circusd, name: string) => (await daemon.ctl('events', '--watcher', name)).stdout;

  it('has workers that survive an outage, and are all there after it', async () => {
    const worker = configuration(
      'cmd = my-worker',
      'test -e database || exit 1; exec sleep 600',
      'flapping.retry_later = 0.5\n',
    );
    const daemon = await start(worker);
    await eventually(async () => assert.match(await eventsOf(daemon, 'worker'), /worker\.half_open wid=\d in=\d/));
    await eventually(async () =>
      assert.match(await status(daemon), /^worker: stopped \(retrying: .*\) \(half-open, next try in \d s\)$/m),
    );
    daemon.folder.write('database', '');
    await eventually(async () => assert.equal((await daemon.pids('worker')).length, 2));
    await eventually(async () =>
      assert.equal((await eventsOf(daemon, 'worker')).match(/worker\.recovered/g)?.length, 2),
    );
    assert.equal((await status(daemon)).trim(), 'worker: active');
  });

  it('has a watcher that is given up', async () => {
    const daemon = await start(configuration('cmd = my-import', 'exit 1', 'flapping.retry_in = 0.1\n'));
    await eventually(async () =>
      assert.match(await status(daemon), /^import: stopped \(gave up: process \d+ exited with code 1/m),
    );
  });

  it('has a program whose exit code says that it is not to be restarted', async () => {
    const daemon = await start(configuration('cmd = my-agent', 'exit 78'));
    const told = /^agent: stopped \(completed: process \d+ exited with code 78 after \d\.\d s\)$/m;
    await eventually(async () => assert.match(await status(daemon), told));
  });

  it('has a program that runs once, with success', async () => {
    const daemon = await start(configuration('cmd = my-migration', 'exit 3'));
    const told = /^migrate: stopped \(completed: process \d+ exited with code 3 after \d\.\d s\) \(success\)$/m;
    await eventually(async () => assert.match(await status(daemon), told));
  });
});
