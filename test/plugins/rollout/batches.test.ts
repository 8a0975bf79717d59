import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { eventsOf, pidsOf, sleeper } from './watcher.js';

describe('batches in a real daemon', () => {
  const start = daemonPerTest();
  closeClients();

  it('are as large as is set at run time, with pauses between', async () => {
    const daemon = await start(sleeper('numprocesses = 4').replace('numprocesses = 2\n', ''));
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 4));
    const before = await pidsOf(daemon);
    await daemon.json('set', 'web', 'reload.batch', '3', 'reload.pause', '600', '--waiting');
    assert.deepEqual(await pidsOf(daemon), before);
    const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
    await eventually(async () => {
      const { stdout } = await daemon.ctl('status', 'web');
      assert.match(stdout, /\(reload: 3 of 4 replaced; a pause of 10 min before the next\)/);
    });
    assert.equal((await pidsOf(daemon)).filter((pid) => before.includes(pid)).length, 1);
    await daemon.ctl('cancel', String(job));
    assert.equal((await pidsOf(daemon)).length, 4);
  });

  it('are as the files say after reloadconfig, which replaces nobody, and of a watcher that is added', async () => {
    const daemon = await start(sleeper('reload.batch = 1'));
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 2));
    const before = await pidsOf(daemon);
    const file = `${daemon.folder.path}/circus.ini`;
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('reload.batch = 1', 'reload.batch = 2\nreload.drain = USR2'),
    );
    assert.match((await daemon.ctl('plan')).stdout, /watcher web was changed: takes effect at once/);
    await daemon.json('reloadconfig', '--waiting');
    assert.equal((await daemon.ctl('get', 'web', 'reload.batch')).stdout, 'reload.batch: 2\n');
    assert.deepEqual(await pidsOf(daemon), before);
    const options = { 'reload.surge': 0, 'reload.batch': 2 };
    const client = connect(daemon);
    assert.equal((await client.ask('add', { name: 'other', cmd: 'sleep 600', options }))['status'], 'ok');
    assert.match((await daemon.ctl('options', 'other')).stdout, /^reload\.surge: 0$/m);
    const wrong = await client.ask('add', { name: 'more', cmd: 'sleep 600', options: { 'reload.order': 'first' } });
    assert.match(
      String(wrong['reason']),
      /"reload.order" has a wrong value: "first" is neither start_first nor stop_first/,
    );
  });

  it('are refused at run time where they are wrong, also beside what is there', async () => {
    const daemon = await start(sleeper('reload.batch = 1'));
    const said = async (...words: string[]) => (await daemon.ctl('set', 'web', ...words)).stderr;
    assert.match(await said('reload.batch', '0'), /"reload.batch" has a wrong value: it is at least 1/);
    assert.match(await said('reload.bach', '1'), /"reload.bach" is no option \(did you mean "reload.batch"\?\)/);
    assert.match(await said('reload.canary', '1', 'reload.canary_share', '3'), /"numprocesses" is only 2/);
    assert.equal(await said('reload.canary', '1', 'reload.canary_share', '2'), '');
    await daemon.ctl('decr', 'web', '--waiting');
    assert.equal(await said('warmup_delay', '1'), '');
  });

  it('that fail tell the last lines of the new copy', async () => {
    const daemon = await start(
      sleeper('reload.batch = 2\nready.log = listens')
        .replace('sleep 600\n', '/bin/sh run.sh\n')
        .replace('ready_after = 0\n', '') + 'working_dir = .\n',
      {
        files: { 'run.sh': 'echo listens; exec sleep 600\n' },
      },
    );
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 2));
    const before = await pidsOf(daemon);
    daemon.folder.write('run.sh', 'echo "no table \\"users\\"" >&2; echo giving up; exit 4\n');
    const { code, stderr } = await daemon.ctl('reload', 'web', '--waiting');
    assert.notEqual(code, 0);
    const reason =
      /it exited with code 4; it wrote last: (no table "users" \/ giving up|giving up \/ no table "users")/;
    assert.match(stderr, reason);
    assert.match(String((await eventsOf(daemon, 'reload_aborted'))[0]?.['reason']), reason);
    assert.deepEqual(await pidsOf(daemon), before);
  });
});
