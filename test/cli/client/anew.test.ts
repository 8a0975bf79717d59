import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { client, closeAfterEach } from './fake.js';

describe('a client whose daemon is killed and started anew', () => {
  const start = daemonPerTest();
  closeAfterEach();

  it('loses what it had asked, then asks the new one, and its events go on', async () => {
    const slow =
      '[watcher:web]\ncmd = sh -c "trap \'\' TERM; echo armed; while :; do sleep 1; done"\ngraceful_timeout = 60\nready.log = armed\n';
    const first = await start(slow);
    const endpoint = `ipc://${first.folder.path}/control`;
    const circus = client({ endpoint });
    await eventually(async () => (await circus.status('web')).status === 'active');
    const events = circus.events({ watcher: 'web' });
    await events.ready;
    const lost = assert.rejects(circus.stop('web', { waiting: true }), { code: 'ERR_LOST' });
    await eventually(async () => (await circus.status('web')).status === 'stopping');
    first.signal('SIGKILL');
    await lost;
    const answer = circus.status('web', { timeout: 15_000 });
    const paths = `[circus]\nendpoint = ${endpoint}\npubsub_endpoint = ipc://${first.folder.path}/events\n`;
    const second = await start(`${paths}[watcher:web]\ncmd = sleep 600\nready_after = 0\n`);
    assert.ok(['active', 'starting', 'stopped'].includes((await answer).status));
    const next = events.next();
    await eventually(async () => {
      await circus.restart('web', { waiting: true });
      return Promise.race([next.then(() => true), sleep(20, false)]);
    });
    for await (const { event } of events) if (event === 'start') break;
    assert.ok(second.running);
    await second.stop();
    await first.kill();
  });
});
