import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client, type Reply } from '../client.js';
import { daemonPerTest } from '../daemon.js';

describe('keys of plugins', () => {
  const start = daemonPerTest();
  closeClients();
  let client: Client;
  beforeEach(async () => {
    client = connect(await start('[watcher:web]\ncmd = sleep 600\n'));
    await eventually(async () => assert.equal((await pids('web')).length, 1));
  });
  const pids = async (name: string) => (await client.ask('list', { name }))['pids'] as readonly number[];
  const set = async (options: unknown) => {
    const { status, errno, reason } = await client.ask('set', { name: 'web', options, waiting: true });
    return status === 'ok' ? 'ok' : [errno, reason];
  };

  it('can be set, and the plugins are loaded for them', async () => {
    assert.equal(await set({ 'flapping.window': 3, oom_score_adj: 500, max_age: 0 }), 'ok');
    const options = (await client.ask('options', { name: 'web' }))['options'] as Reply;
    assert.deepEqual([options['flapping.window'], options['oom_score_adj']], [3, 500]);
    process.kill((await pids('web'))[0]!, 'SIGKILL');
    await eventually(async () => {
      const [next] = await pids('web');
      assert.equal(readFileSync(`/proc/${next}/oom_score_adj`, 'utf8').trim(), '500');
    });
  });

  it('can be given to a new watcher', async () => {
    const options = { nice: 5, 'flapping.window': 3 };
    await client.ask('add', { name: 'nice', cmd: 'sleep 600', options, start: true, waiting: true });
    const [nice] = await pids('nice');
    await eventually(() => assert.equal(readFileSync(`/proc/${nice}/stat`, 'utf8').split(' ')[18], '5'));
  });

  it('are refused where the plugin says why, or where there is none', async () => {
    const why = 'on-demand ("idle_timeout" needs on_demand = True: nothing else would start it again)';
    assert.deepEqual(await set({ idle_timeout: 60 }), [6, `hook "watcherSpec" refused: ${why}`]);
    for (const key of ['flapping', 'on_demand']) assert.deepEqual(await set({ [key]: 1 }), [3, `unknown key '${key}'`]);
  });
});
