import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { closeClients } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { ctl, gated, noting, open, plain, reaches, statusOf, waitsFor } from './world.js';

describe('the conditions of dependencies', () => {
  const start = daemonPerTest();
  closeClients();

  it('waits for no more than the condition says', async () => {
    const daemon = await start(
      gated('db') + noting('early', 'requires = db started') + noting('late', 'requires = db'),
    );
    await reaches(daemon, 'early', 'active');
    assert.equal((await statusOf(daemon, 'db'))['status'], 'starting');
    await waitsFor(daemon, 'late', 'db: ready');
    open(daemon, 'db');
    await reaches(daemon, 'late', 'active');
  });

  it('waits for one that completes, and for how', async () => {
    const once = 'respawn = False\n';
    const daemon = await start(
      `[watcher:migrate]\ncmd = sh -c 'test -e fixed || exit 3'\n${once}` +
        noting('web', 'requires = migrate completed_ok') +
        noting('any', 'requires = migrate completed') +
        noting('usual', 'wants = migrate completed_ok'),
    );
    for (const name of ['any', 'usual']) await reaches(daemon, name, 'active');
    await waitsFor(daemon, 'web', 'migrate: completed_ok');
    assert.match(await ctl(daemon, 'explain', 'web'), /waiting for migrate: completed_ok \(it completed with code 3\)/);
    open(daemon, 'fixed');
    await ctl(daemon, 'start', 'migrate');
    await reaches(daemon, 'web', 'active');
  });

  it('starts without what it only wants, when that gave up or is stopped', async () => {
    const daemon = await start(
      gated('slow') +
        `[watcher:broken]\ncmd = /no/such/program\nmax_retry = 2\n` +
        plain('off', 'autostart = False') +
        noting('one', 'wants = broken') +
        noting('two', 'wants = off') +
        noting('three', 'wants = slow') +
        noting('four', 'requires = broken'),
    );
    for (const name of ['one', 'two']) await reaches(daemon, name, 'active');
    await waitsFor(daemon, 'three', 'slow: ready');
    await waitsFor(daemon, 'four', 'broken: ready');
    assert.match(await ctl(daemon, 'explain', 'four'), /waiting for broken: ready \(it gave up: .*\/no\/such\/program/);
    await ctl(daemon, 'stop', 'slow');
    await reaches(daemon, 'three', 'active');
  });

  it('keeps to the order alone where nothing else is said', async () => {
    const daemon = await start(
      gated('slow', 'ready.timeout = 1\n') + noting('web', 'after = slow, off') + plain('off', 'autostart = False'),
    );
    await waitsFor(daemon, 'web', 'slow: ready');
    // The start of the other is over, though it is not ready.
    await reaches(daemon, 'web', 'active');
    assert.ok(!existsSync(join(daemon.folder.path, 'slow')));
  });

  it('waits for what is outside, and holds up nothing meanwhile', async () => {
    const port = await freePort();
    const daemon = await start(
      noting('web', `requires = tcp://127.0.0.1:${port}, file:$(circus.env.home)/flag`) + noting('log', 'after = web'),
    );
    await waitsFor(daemon, 'web', `tcp://127.0.0.1:${port}, file:${daemon.folder.path}/flag`);
    await eventually(async () =>
      assert.match(await ctl(daemon, 'explain', 'web'), /tcp:\/\/127\.0\.0\.1:\d+ \(refused \d+ s ago\)/),
    );
    open(daemon, 'flag');
    await waitsFor(daemon, 'web', `tcp://127.0.0.1:${port}`);
    const server = createServer((client) => client.destroy()).listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      for (const name of ['web', 'log']) await reaches(daemon, name, 'active');
      // It is looked for anew when nothing of it lives any more.
      const [pid] = await daemon.pids('web');
      process.kill(pid!, 'SIGKILL');
      await eventually(async () => assert.ok((await daemon.pids('web')).some((one) => one !== pid)));
    } finally {
      server.close();
    }
  });

  it('takes one that starts at its first client for ready', async () => {
    const port = await freePort();
    const daemon = await start(
      `[socket:db]\nhost = 127.0.0.1\nport = ${port}\n` +
        plain('db', 'sockets = db\non_demand = 1') +
        plain('web', 'requires = db'),
    );
    await reaches(daemon, 'web', 'active');
    assert.equal((await statusOf(daemon, 'db'))['state'], 'waiting');
  });
});
