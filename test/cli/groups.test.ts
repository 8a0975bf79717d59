/** Groups and labels in a file, from the check of it to what reading it again costs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';

const ini = `
[group:api]
warmup_delay = 0
[watcher:db]
cmd = sleep 600
[watcher:web]
cmd = sleep 600
group = api
label.tier = web
`;

describe('groups in a file', () => {
  const start = circusdPerTest();
  let daemon: Circusd;
  const pid = (name: string) =>
    eventually(async () => {
      const { pids } = (await daemon.json('list', name)) as { readonly pids: readonly number[] };
      assert.equal(pids.length, 1);
      return pids[0]!;
    });
  const edit = (from: string, to: string) => {
    const text = readFileSync(join(daemon.folder.path, 'circus.ini'), 'utf8');
    daemon.folder.write('circus.ini', text.replace(from, to));
  };

  beforeEach(async () => {
    daemon = await start(ini);
  });

  it('are read again without a process that notices', async () => {
    const before = [await pid('db'), await pid('web')];
    edit('[watcher:db]\n', '[watcher:db]\ngroup = api, data\n');
    edit('label.tier = web', 'label.tier = front');
    const { changes } = (await daemon.json('plan')) as { readonly changes: readonly { cost: string; name: string }[] };
    assert.deepEqual(
      changes.map(({ name, cost }) => [name, cost]),
      [
        ['db', 'nothing'],
        ['web', 'nothing'],
      ],
    );
    assert.equal((await daemon.ctl('reloadconfig', '--waiting')).code, 0);
    assert.equal((await daemon.ctl('groups')).stdout, 'api: db active, web active\ndata: db active\n');
    assert.equal((await daemon.ctl('status', 'tier=front')).stdout, 'web: active\n');
    assert.deepEqual([await pid('db'), await pid('web')], before);
  });

  it('give new defaults to those that are in them', async () => {
    const before = [await pid('db'), await pid('web')];
    edit('warmup_delay = 0', 'env.A = 1');
    assert.equal((await daemon.ctl('reloadconfig', '--waiting')).code, 0);
    const [db, web] = [await pid('db'), await pid('web')];
    assert.equal(db, before[0]);
    assert.notEqual(web, before[1]);
  });

  it('keep their old form where the section of one is wrong now', async () => {
    edit('warmup_delay = 0', 'warmup_delay = soon');
    const { code, stderr } = await daemon.ctl('reloadconfig', '--waiting');
    assert.equal(code, 3);
    assert.match(stderr, /circus\.ini:\d+:16: "warmup_delay" must be .*\[watcher:web\]/);
    assert.match((await daemon.ctl('status')).stdout, /^db: active\nweb: active\nwrong: /);
  });

  it('are told by circusctl, which fails when one of several does', async () => {
    const { code, stdout, stderr } = await daemon.ctl('set', '@api db', 'singleton', 'True', '--waiting');
    assert.deepEqual([code, stdout, stderr], [0, 'db: ok\nweb: ok\n', '']);
    await daemon.ctl('set', 'web', 'singleton', 'False');
    const failed = await daemon.ctl('set', 'db tier=web', 'numprocesses', '2', '--waiting');
    assert.deepEqual(
      [failed.code, failed.stdout, failed.stderr],
      [3, 'web: ok\n', 'error: db: Singleton watcher has a single process\n'],
    );
    const wrong = await daemon.ctl('restart', 'web', '@apii');
    assert.deepEqual(
      [wrong.code, wrong.stdout, wrong.stderr],
      [3, '', 'error: no watcher is in group \'apii\' (did you mean "@api"?)\n'],
    );
    const { replies } = (await daemon.json('incr', '@api', '--waiting')) as { readonly replies: object };
    assert.deepEqual(replies, { web: { status: 'ok', numprocesses: 3 } });
  });
});
