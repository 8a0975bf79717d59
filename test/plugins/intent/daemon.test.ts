import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Circusd, CircusdOptions } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest, type Temporary } from '../../support/temporary.js';
import { closeClients, connect, listen } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[watcher:web]
cmd = sleep 600

[watcher:spare]
cmd = sleep 600
autostart = False
`;

/** The one folder of a daemon's state. */
const stateOf = (folder: Pick<Temporary, 'path'>): string => {
  const base = join(folder.path, 'state');
  const [name, ...more] = readdirSync(base);
  assert.deepEqual(more, []);
  return join(base, name!);
};

describe('disable and enable', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();
  /** A daemon that may be started again in the same place. */
  const again = (text = ini, options: CircusdOptions = {}): Promise<Circusd> =>
    start(text, {
      folder: { ...temporary, path: temporary.path, write: temporary.write, remove: () => undefined },
      ...options,
    });
  const statusOf = async (daemon: Circusd, name = 'web') =>
    (await daemon.json('status', name)) as Readonly<Record<string, unknown>>;

  it('stop a watcher, refuse its start by name, and leave it out of a start of all', async () => {
    const daemon = await again();
    const disabled = await daemon.ctl('disable', 'web', 'disk', 'is replaced', '--waiting');
    assert.deepEqual([disabled.code, disabled.stdout], [0, 'disabled: web\n']);
    assert.deepEqual(await daemon.pids('web'), []);
    for (const command of ['start', 'restart', 'reload']) {
      const { code, stderr } = await daemon.ctl(command, 'web');
      assert.equal(code, 3);
      assert.match(
        stderr,
        new RegExp(`"web" is disabled by .*: disk is replaced; ${command} is refused.*circusctl enable`),
      );
    }
    for (const words of [['start'], ['start', '*'], ['restart'], ['reload']])
      assert.equal((await daemon.ctl(...words, '--waiting')).code, 0, words.join(' '));
    assert.equal((await daemon.ctl('incr', 'web', '2', '--waiting')).stdout, '3\n');
    assert.equal((await daemon.ctl('set', 'web', 'cmd', 'sleep 601', '--waiting')).code, 0);
    assert.deepEqual(await daemon.pids('web'), []);
    assert.equal((await statusOf(daemon))['state'], 'disabled');
    const { stdout } = await daemon.ctl('enable', 'web', '--waiting');
    assert.equal(stdout, 'enabled: web; started: web\n');
    assert.equal((await daemon.pids('web')).length, 3);
    assert.equal((await daemon.ctl('enable', 'web', '--waiting')).stdout, 'it was not disabled\n');
  });

  it('are shown with who, when and why; to Circus’s clients it is stopped', async () => {
    const daemon = await again(`${ini}\n[endpoint:ops]\naddress = ipc://ops.sock\nrole = operate\n`);
    const ops = connect({ endpoint: `ipc://${daemon.folder.path}/ops.sock` });
    const before = Date.now() / 1000;
    await ops.ask('disable', { name: 'WEB', reason: 'the disk\nis full', waiting: true });
    const { statuses, notes } = (await daemon.json('status')) as Readonly<Record<string, Record<string, string>>>;
    assert.equal(statuses!['web'], 'stopped');
    assert.match(
      notes!['web']!,
      /^disabled by endpoint ops \(uid of the daemon or root\), \d\.\d s ago: the disk\?is full$/,
    );
    assert.match((await daemon.ctl('status')).stdout, /^web: stopped \(disabled by endpoint ops .*\)$/m);
    assert.match((await daemon.ctl('status', 'web')).stdout, /^stopped \(disabled by endpoint ops .*\)$/m);
    const facts = (await daemon.json('explain', 'web')) as Readonly<Record<string, unknown>>;
    const { by, since, reason } = facts['disabled'] as { by: string; since: number; reason: string };
    assert.deepEqual([by, reason], ['endpoint ops (uid of the daemon or root)', 'the disk?is full']);
    assert.ok(since >= before && since <= Date.now() / 1000);
    const text = String(facts['text']).split('\n');
    assert.match(
      text[0]!,
      /^web has been disabled for \d\.\d s by endpoint ops \(uid of the daemon or root\): the disk\?is full\.$/,
    );
    assert.ok(text.includes('Nothing starts it until it is enabled, which starts it: "circusctl enable web".'));
    assert.match(daemon.log, /endpoint ops \(uid of the daemon or root\): disable \W+WEB\W+: done/);
    assert.match(daemon.log, /web is disabled by endpoint ops/);
  });

  it('need the role operate, and a name that is there', async () => {
    const daemon = await again(`${ini}\n[endpoint:eyes]\naddress = ipc://eyes.sock\nrole = view\n`);
    const eyes = connect({ endpoint: `ipc://${daemon.folder.path}/eyes.sock` });
    for (const command of ['disable', 'enable']) {
      assert.match(String((await eyes.ask(command, { name: 'web' }))['reason']), /needs the role operate/);
      const { code, stderr } = await daemon.ctl(command, 'wbe');
      assert.deepEqual([code, stderr], [3, 'error: program wbe not found (did you mean "web"?)\n']);
    }
    assert.match(String((await eyes.ask('rollback', { name: 'web' }))['reason']), /needs the role admin/);
  });

  it('are events', async () => {
    const daemon = await again();
    const listener = await listen(daemon, 'spare');
    const client = connect(daemon);
    await client.ask('disable', { name: 'web', waiting: true });
    await client.ask('enable', { name: 'web', waiting: true });
    const by = 'operator (uid of the daemon or root)';
    const { payload } = await listener.next('watcher.web.disabled');
    assert.deepEqual([payload['by'], payload['reason']], [by, null]);
    assert.equal((await listener.next('watcher.web.enabled')).payload['by'], by);
  });

  it('hold when the daemon is started again: enabled, it starts what starts with it', async () => {
    const first = await again();
    for (const name of ['web', 'spare']) await first.ctl('disable', name, 'for', 'good', '--waiting');
    assert.equal(await first.stop(), 0);
    const second = await again();
    await eventually(async () => assert.equal((await statusOf(second))['state'], 'disabled'));
    assert.match((await second.ctl('status')).stdout, /^web: stopped \(disabled by operator .*: for good\)$/m);
    assert.deepEqual([await second.pids('web'), (await second.ctl('start', 'web')).code], [[], 3]);
    assert.equal((await second.ctl('enable', '*', '--waiting')).stdout, 'enabled: spare, web; started: web\n');
    assert.equal((await second.pids('web')).length, 1);
    assert.equal(await second.stop(), 0);
    const third = await again();
    await eventually(async () => assert.equal((await third.pids('web')).length, 1));
  });

  it('hold when the daemon was killed at once after the answer', async () => {
    const first = await again();
    const client = connect(first);
    await client.ask('disable', { name: 'web' });
    first.signal('SIGKILL');
    await first.exited;
    await first.kill();
    const second = await again();
    await eventually(async () => assert.equal((await statusOf(second))['state'], 'disabled'));
    assert.deepEqual(await second.pids('web'), []);
  });

  it('hold for a name that goes from the file and comes back; enable takes it meanwhile', async () => {
    const daemon = await again();
    const file = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(file, 'utf8');
    await daemon.ctl('disable', 'web', '--waiting');
    const reread = async (changed: string) => {
      writeFileSync(file, changed);
      assert.equal((await daemon.ctl('reloadconfig', '--waiting')).code, 0);
    };
    await reread(text.replace('[watcher:web]', '[watcher:other]'));
    await reread(text);
    assert.equal((await statusOf(daemon))['state'], 'disabled');
    await reread(text.replace('[watcher:web]', '[watcher:other]'));
    assert.equal((await daemon.ctl('enable', 'web', '--waiting')).stdout, 'enabled: web\n');
    await reread(text);
    assert.equal((await statusOf(daemon))['state'], 'active');
  });

  it('leave a watcher down with --later, and one that was stopped', async () => {
    const daemon = await again();
    await daemon.ctl('disable', 'web', '--waiting');
    assert.equal((await daemon.ctl('enable', 'web', '--later', '--waiting')).stdout, 'enabled: web\n');
    assert.equal((await statusOf(daemon))['status'], 'stopped');
    await daemon.ctl('disable', 'web', '--waiting');
    assert.equal((await daemon.ctl('enable', 'web', '--waiting')).stdout, 'enabled: web\n');
    assert.deepEqual(await daemon.pids('web'), []);
  });

  it('keep their state where only the daemon’s user can read it', async () => {
    const daemon = await again();
    await daemon.ctl('disable', 'web', '--waiting');
    const folder = stateOf(daemon.folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    assert.deepEqual(readdirSync(folder).sort(), ['daemon', 'intent.json']);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(readdirSync(folder), ['intent.json']);
  });

  it('work where nothing can be written, which is said once, until the daemon ends', async () => {
    const daemon = await again(
      `[circus]\nstate_dir = /proc/nowhere\n\n[plugin:intent]\nuse = intent\nstable_after = 0\n${ini}`,
    );
    const client = connect(daemon);
    await daemon.ctl('disable', 'spare', '--waiting');
    await eventually(async () => {
      const { good_specs } = await client.ask('rollback', { name: 'web', list: true });
      assert.equal((good_specs as { readonly present: string }[])[0]!.present, 'good');
    });
    await client.ask('set', { name: 'web', options: { max_retry: 9 } });
    assert.equal((await daemon.ctl('rollback', 'web')).code, 0);
    assert.equal((await daemon.ctl('enable', 'spare', '--waiting')).stdout, 'enabled: spare\n');
    assert.equal(daemon.log.match(/nothing can be kept in \/proc\/nowhere/g)?.length, 1);
  });

  it('hold although options of the plugin are wrong, which is an error with its place', async () => {
    const first = await again();
    await first.ctl('disable', 'web', '--waiting');
    assert.equal(await first.stop(), 0);
    const second = await again(
      `[plugin:intent]\nuse = intent\nstable_after = soon\nstable_afer = 1\nother = 2\n${ini}`,
    );
    await eventually(async () => assert.equal((await statusOf(second))['state'], 'disabled'));
    assert.deepEqual(await second.pids('web'), []);
    const { problems } = (await second.json('status')) as { readonly problems: readonly string[] };
    assert.equal(problems.length, 3, problems.join('\n'));
    assert.match(
      problems.join('\n'),
      /^error: \S+circus\.ini:\d+:\d+: option "stable_after" .*; it counts as not written$/m,
    );
    assert.match(problems.join('\n'), /"stable_afer" .*did you mean "stable_after".*; it counts as not written$/m);
    assert.match((await second.ctl('reloadconfig', '--waiting')).stderr, /option "stable_after"/);
    assert.equal((await statusOf(second))['state'], 'disabled');
  });

  it('are not there without the plugin', async () => {
    const daemon = await again(`[circus]\nintent = 0\n${ini}`);
    const { code, stderr } = await daemon.ctl('disable', 'web');
    const why = 'it comes with the plugin "intent", which is not loaded';
    assert.deepEqual([code, stderr], [3, `error: unknown command: 'disable' (${why})\n`]);
  });
});
