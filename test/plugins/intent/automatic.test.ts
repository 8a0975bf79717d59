/** What happens by itself, in pairs of watchers: the one is stopped or disabled, at the other one sees that it happens. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const serve = `${process.execPath} ${inRoot('test/fixtures/programs/serve.mjs')} $(circus.sockets.lazy)`;

/** By the watcher's name, its options; all but the last two keep spawning. */
const kinds = {
  crash: `cmd = sh -c 'sleep 0.1; exit 1'`,
  flap: `cmd = sh -c 'exit 1'\nflapping.attempts = 1\nflapping.window = 10\nflapping.retry_in = 0.5\nflapping.max_retry = -1`,
  aged: 'cmd = sleep 600\nready_after = 0\nmax_age = 1\nmax_age_variance = 0',
  ill: 'cmd = sleep 600\nalive.exec = false\nalive.interval = 0.2\nalive.timeout = 0.2\nalive.jitter = 0',
  filed: 'cmd = sleep 602',
  lazy: `cmd = ${serve}\nsockets = lazy\non_demand = 1`,
};
const repeating = new Set(['crash', 'flap', 'aged', 'ill']);
const ini = (port: number) =>
  `[socket:lazy]\nhost = 127.0.0.1\nport = ${port}\n\n` +
  Object.entries(kinds)
    .flatMap(([kind, options]) => ['down', 'up'].map((name) => `[watcher:${kind}-${name}]\n${options}\n`))
    .join('\n');

describe('what happens by itself', () => {
  const start = daemonPerTest();
  closeClients();

  const lastEvent = async (client: Client) => (await client.ask('events'))['last'] as number;
  const spawnsSince = async (client: Client, since: number, watcher: string) => {
    const { events } = await client.ask('events', { since, watcher });
    return (events as { readonly topic: string }[]).filter(({ topic }) => topic.endsWith('.spawn')).length;
  };
  /** Makes all of it happen, until each watcher that is up has shown it. */
  const provoke = async (daemon: Circusd, client: Client, port: number, since: number) => {
    const file = join(daemon.folder.path, 'circus.ini');
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(kinds.filed, 'cmd = sleep 603'));
    const { status } = await client.ask('reloadconfig', { waiting: true });
    assert.equal(status, 'ok');
    const guest = connectTo(port, '127.0.0.1');
    await once(guest, 'connect');
    for (const kind of Object.keys(kinds))
      await eventually(async () => {
        const spawns = await spawnsSince(client, since, `${kind}-up`);
        assert.ok(spawns >= (repeating.has(kind) ? 2 : 1), `${kind}: ${spawns}`);
      });
    guest.destroy();
  };

  for (const command of ['stop', 'disable']) {
    it(`starts nothing after ${command}: no crash, no flapping, no age, no probe, no changed file, no client`, async () => {
      const port = await freePort();
      const daemon = await start(ini(port));
      const client = connect(daemon);
      // Each has begun with what it does, or waits for it.
      await eventually(async () => assert.ok((await client.ends('crash-down')).length > 0));
      await eventually(async () =>
        assert.equal((await client.ask('status', { name: 'flap-down' }))['state'], 'retrying'),
      );
      for (const kind of Object.keys(kinds)) {
        const { status } = await client.ask(command, { name: `${kind}-down`, waiting: true });
        assert.equal(status, 'ok');
      }
      const since = await lastEvent(client);
      await provoke(daemon, client, port, since);
      for (const kind of Object.keys(kinds)) {
        assert.equal(await spawnsSince(client, since, `${kind}-down`), 0, kind);
        assert.deepEqual(await client.pids(`${kind}-down`), [], kind);
      }
    });

    it(`starts nothing after ${command} whose turn had not come in a start of all`, async () => {
      const watchers = ['first', 'second', 'last'].map(
        (name, at) => `[watcher:${name}]\ncmd = sleep 600\npriority = ${9 - at}\n`,
      );
      const daemon = await start(`[circus]\nwarmup_delay = 3\n${watchers.join('\n')}`);
      const client = connect(daemon);
      assert.equal((await client.ask(command, { name: 'second', waiting: true }))['status'], 'ok');
      await eventually(async () => assert.equal((await client.pids('last')).length, 1), { within: 15_000 });
      assert.equal(await spawnsSince(client, 0, 'second'), 0);
    });
  }

  it('and a SIGHUP starts what is stopped, as in Circus, and not what is disabled', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\n\n[watcher:off]\ncmd = sleep 600\n');
    const client = connect(daemon);
    await client.ask('stop', { name: 'web', waiting: true });
    await client.ask('disable', { name: 'off', waiting: true });
    daemon.signal('SIGHUP');
    await eventually(async () => assert.equal((await client.pids('web')).length, 1));
    assert.deepEqual(await client.pids('off'), []);
  });
});
