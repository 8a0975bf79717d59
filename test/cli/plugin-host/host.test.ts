/** circus-plugin as somebody starts it by hand. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { circusdPerTest } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { noteIn, notesIn } from '../../support/notes.js';
import { installPackages } from '../../support/packages.js';
import { program } from '../../support/paths.js';
import { run } from '../../support/run.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('circus-plugin', function () {
  this.timeout(30_000);
  const folder = temporaryPerTest();
  const startDaemon = circusdPerTest();
  const started: ChildProcess[] = [];
  const env = () => ({
    ...process.env,
    NODE_OPTIONS: '--preserve-symlinks',
    CIRCUSCTL_ENDPOINT: '',
    CIRCUSD_RUNTIME_DIR: folder.path,
  });
  const notes = () => notesIn(join(folder.path, 'notes'));
  const noted = (what: string) => eventually(() => noteIn(join(folder.path, 'notes'), (note) => note.what === what));
  const addresses = () => ['--endpoint', `ipc://${folder.path}/c`, '--pubsub', `ipc://${folder.path}/e`];
  const ini = () =>
    `[circus]\nendpoint = ipc://${folder.path}/c\npubsub_endpoint = ipc://${folder.path}/e\n[watcher:a]\ncmd = sleep 600\n`;

  beforeEach('install the plugin', () => installPackages(folder.path));

  afterEach('end what runs', async () => {
    for (const child of started.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  const plugin = (...words: readonly string[]) =>
    run(process.execPath, [program('circus-plugin'), ...words], { cwd: folder.path, env: env() });

  function begin(config: string, more: readonly string[] = addresses()): ChildProcess {
    const words = [program('circus-plugin'), ...more, '--config', config, 'circusd-plugin-seer'];
    const child = spawn(process.execPath, words, { cwd: folder.path, env: env(), stdio: 'ignore' });
    started.push(child);
    return child;
  }

  it('reads the configuration string of Circus, and finds the daemon of its user by itself', async () => {
    await startDaemon(ini().replace('/c\n', '/control.sock\n').replace('/e\n', '/events.sock\n'));
    const child = begin('name:plugin:x:::file:notes:::text:a b:c', []);
    const { config, name } = await noted('begin');
    assert.deepEqual([config, name], [{ file: 'notes', text: 'a b:c' }, 'plugin:x']);
    await noted('list');
    child.kill('SIGINT');
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.deepEqual(notes().at(-1), { what: 'end', numwatchers: 1 });
  });

  it('hears of a daemon that was started again, and is answered by it', async () => {
    const first = await startDaemon(ini());
    begin('file:notes');
    await noted('refused');
    await first.ctl('restart', 'a', '--waiting');
    const starts = () => notes().filter(({ what }) => what === 'start').length;
    await eventually(() => starts() > 0);
    await first.stop();
    const before = starts();
    const second = await startDaemon(ini().replace('[watcher:a]', '[watcher:trigger]'));
    await eventually(
      async () => {
        await second.ctl('restart', 'trigger', '--waiting');
        return starts() > before;
      },
      { within: 10_000, every: 300 },
    );
    for (const { pid } of second.descendants()) process.kill(pid, 'SIGKILL');
    await noted('answer');
  });

  it('ends with 1 when the plugin fails', async () => {
    const { code, stderr } = await plugin(
      ...addresses(),
      '--config',
      'file:notes:::fail:no luck',
      'circusd-plugin-seer',
    );
    assert.equal(code, 1);
    assert.match(stderr, /no luck/);
  });

  it('ends with 1 when the clean-up takes too long', async () => {
    await startDaemon(ini());
    const child = begin('file:notes:::linger:1');
    await noted('refused');
    child.kill('SIGTERM');
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    assert.equal(notes().at(-1)?.what, 'deferred');
  });

  it('fails a call when no daemon takes it', async () => {
    const child = begin('file:notes');
    assert.deepEqual(await once(child, 'exit'), [1, null]);
    assert.equal(notes().at(-1)?.what, 'begin');
  });

  it('ends with 2 when it is used in a wrong way, and says so', async () => {
    const wrong: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /Usage: circus-plugin/],
      [['--ssh', 'host', 'circusd-plugin-seer'], /no tunnels here.*ssh -L/],
      [['--config', '{', 'circusd-plugin-seer'], /begins as JSON/],
      [['--log-level', 'loud', 'circusd-plugin-seer'], /one of debug, info/],
      [['--endpont', 'x'], /unknown option '--endpont'[^]*--endpoint/],
    ];
    for (const [words, expected] of wrong) {
      const { code, stderr } = await plugin(...words);
      assert.equal(code, 2);
      assert.match(stderr, expected);
    }
  });

  it('ends with 3 when the plugin or its options are unfit, and --check tells them line by line', async () => {
    const { code, stderr } = await plugin('--config', 'flie:notes', 'circusd-plugin-seer');
    assert.equal(code, 3);
    assert.match(stderr, /option \\"flie\\": there is no such option/);
    const checked = await plugin('--check', '--config', 'flie:notes', 'circusd-plugin-seer');
    assert.equal(checked.code, 3);
    const lines = checked.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    assert.deepEqual(lines, [
      { key: 'flie', message: 'there is no such option' },
      { key: 'file', message: 'it is missing' },
    ]);
    assert.equal((await plugin('--check', '--config', 'file:notes', 'circusd-plugin-seer')).code, 0);
    assert.match((await plugin('no-such')).stderr, /\\"no-such\\" is neither/);
    assert.match((await plugin('flapping')).stderr, /\\"flapping\\" works inside the daemon only/);
    folder.write('odd.mjs', 'export default { name: "odd" };\n');
    assert.match((await plugin('./odd.mjs')).stderr, /\\"run\\" is not a function/);
  });
});
