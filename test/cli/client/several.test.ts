import assert from 'node:assert/strict';
import type { Client } from '../../../cli/client/index.js';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { client, closeAfterEach } from './fake.js';

const ini = `
[watcher:big cat]
cmd = sleep 600
group = api
singleton = True
[watcher:big cat.b]
cmd = sleep 600
[watcher:web]
cmd = sleep 600
group = api
label.tier = web
`;

describe('a client that means several watchers', () => {
  const start = daemonPerTest();
  closeAfterEach();
  let circus: Client;
  beforeEach(async () => {
    circus = client({ endpoint: (await start(ini)).endpoint });
    await eventually(async () => assert.equal((await circus.numprocesses()).numprocesses, 3));
  });

  it('gets a reply for each, also where one tells of an error', async () => {
    const { web } = await circus.each('incr', 'tier=web', { nb: 2, waiting: true });
    assert.deepEqual(web, { status: 'ok', numprocesses: 3 });
    const set = await circus.each('set', ['Big Cat', '@api'], { options: { numprocesses: 2 }, waiting: true });
    assert.deepEqual(Object.keys(set), ['big cat', 'web']);
    assert.deepEqual(
      Object.values(set).map(({ status }) => status),
      ['error', 'ok'],
    );
    await assert.rejects(circus.each('stop', '@none', {}), {
      code: 'ERR_REFUSED',
      reason: "no watcher is in group 'none'",
    });
  });

  it('finds their names', async () => {
    assert.deepEqual(await circus.watchersOf('@api'), ['big cat', 'web']);
    assert.deepEqual(await circus.watchersOf('ghost'), ['ghost']);
    await assert.rejects(circus.watchersOf('@none'), { code: 'ERR_REFUSED' });
    assert.deepEqual(await circus.groups().then(({ groups }) => groups), {
      api: { 'big cat': 'active', web: 'active' },
    });
  });

  it('hears the events of those alone', async () => {
    const events = circus.events({ watcher: '@api' });
    await events.ready;
    const heard = new Set<string>();
    const reading = (async () => {
      for await (const { watcher } of events) heard.add(watcher);
    })();
    await eventually(async () => {
      for (const name of ['big cat', 'big cat.b', 'web']) await circus.set(name, { send_hup: false });
      assert.deepEqual([...heard].sort(), ['big_cat', 'web']);
    });
    events.close();
    await reading;
    await assert.rejects(circus.events({ watcher: '@none' }).next(), { code: 'ERR_REFUSED' });
  });
});
