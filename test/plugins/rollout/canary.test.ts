import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../daemon.js';
import { eventsOf, pidsOf, sleeper } from './watcher.js';

describe('a canary in a real daemon', () => {
  const start = daemonPerTest();

  /** Two old copies, and a reload that waits behind new ones. */
  async function waiting(options = 'reload.canary = 1') {
    const daemon = await start(sleeper(options));
    const before = await eventually(async () => {
      const pids = await pidsOf(daemon);
      assert.equal(pids.length, 2);
      return pids;
    });
    const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
    const [{ pids: copies }] = await eventually(async () => {
      const all = await eventsOf(daemon, 'canary');
      assert.equal(all.length, 1);
      return all as unknown as [{ readonly pids: readonly number[] }];
    });
    return { daemon, before, job, copies };
  }

  it('serves beside all old copies, as status, explain and job tell', async () => {
    const { daemon, before, job, copies } = await waiting();
    const words = 'canary: 1 new copy serves; continue with "circusctl reload web --continue", go back with --abort';
    assert.deepEqual(
      await pidsOf(daemon),
      [...before, ...copies].toSorted((a, b) => a - b),
    );
    assert.ok((await daemon.ctl('status', 'web')).stdout.includes(`active (reload: 0 of 2 replaced; ${words})`));
    assert.ok((await daemon.ctl('explain', 'web')).stdout.includes(`: 0 of 2 processes are done; ${words}.`));
    assert.ok((await daemon.ctl('job', String(job))).stdout.includes(`progress: 0 of 2 replaced; ${words}`));
    await daemon.ctl('reload', 'web', '--abort');
  });

  it('goes on at a word', async () => {
    const { daemon, before, job, copies } = await waiting();
    const { code, stdout } = await daemon.ctl('reload', 'web', '--continue', '--waiting');
    assert.deepEqual([code, stdout], [0, 'ok\n']);
    const after = await pidsOf(daemon);
    assert.ok(after.length === 2 && after.includes(copies[0]!) && after.every((pid) => !before.includes(pid)));
    assert.match((await daemon.ctl('job', String(job))).stdout, /state: done/);
    assert.equal((await daemon.ctl('status', 'web')).stdout, 'active\n');
  });

  it('waits for nobody where a plugin or SIGHUP has it reload, and nothing changes', async () => {
    const follower = 'reload.canary = 1\nrequires = db\non_dependency_restart = restart';
    const daemon = await start(`${sleeper(follower)}\n[watcher:db]\ncmd = sleep 600\n`);
    const two = async (old: readonly number[]) =>
      eventually(async () => {
        const pids = await pidsOf(daemon);
        assert.ok(pids.length === 2 && pids.every((pid) => !old.includes(pid)));
        return pids;
      });
    const first = await two([]);
    assert.equal((await daemon.ctl('restart', 'db', '--waiting')).code, 0);
    const second = await two(first);
    process.kill(daemon.pid, 'SIGHUP');
    await two(second);
    assert.deepEqual(await eventsOf(daemon, 'canary'), []);
  });

  it('goes on after its time', async () => {
    const { daemon, before, job } = await waiting('reload.canary = 1\nreload.canary_time = 0.5');
    await daemon.json('wait', String(job));
    assert.ok((await pidsOf(daemon)).every((pid) => !before.includes(pid)));
  });

  it('can be several copies, and is taken back at a word or with its job', async () => {
    for (const how of ['abort', 'cancel']) {
      const { daemon, before, job, copies } = await waiting('reload.canary = 1\nreload.canary_share = 100%');
      assert.equal(copies.length, 2);
      const words = how === 'abort' ? ['reload', 'web', '--abort'] : ['cancel', String(job)];
      assert.equal((await daemon.ctl(...words)).code, 0);
      await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
      assert.match((await daemon.ctl('job', String(job))).stdout, /state: (failed|cancelled)/);
      assert.equal((await eventsOf(daemon, 'reload_aborted')).length, 1);
      assert.ok(!(await eventsOf(daemon, 'kill')).some(({ process_pid: pid }) => before.includes(pid as number)));
    }
  });

  it('that dies ends the reload, and the old copies serve on', async () => {
    const { daemon, before, job, copies } = await waiting();
    process.kill(copies[0]!, 'SIGKILL');
    const { stderr } = await daemon.ctl('wait', String(job));
    assert.match(stderr, /did not become ready: it was killed by SIGKILL/);
    await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
  });

  it('bears a kill -9 of an old copy, more copies and fewer', async () => {
    const { daemon, before, copies } = await waiting();
    process.kill(before[0]!, 'SIGKILL');
    await eventually(async () => assert.ok(!(await pidsOf(daemon)).includes(before[0]!)));
    await daemon.ctl('incr', 'web', '2', '--waiting');
    assert.equal((await pidsOf(daemon)).length, 4);
    await daemon.ctl('decr', 'web', '1', '--waiting');
    await daemon.ctl('reload', 'web', '--continue', '--waiting');
    await eventually(async () => {
      const pids = await pidsOf(daemon);
      assert.equal(pids.length, 3);
      assert.ok(pids.includes(copies[0]!) && before.every((pid) => !pids.includes(pid)));
    });
  });

  it('ends with a stop', async () => {
    const { daemon } = await waiting();
    assert.equal((await daemon.ctl('stop', 'web', '--waiting')).code, 0);
    assert.deepEqual(await pidsOf(daemon), []);
  });

  it('holds a changed configuration, which is left as it was when it is taken back', async () => {
    const daemon = await start(sleeper('reload.canary = 1'));
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 2));
    const before = await pidsOf(daemon);
    await daemon.json('set', 'web', 'env', 'A=1');
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 3));
    await daemon.ctl('reload', 'web', '--abort');
    await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
    await eventually(async () => assert.equal((await daemon.ctl('get', 'web', 'env')).stdout.trim(), 'env:'));
  });

  it('is refused where nobody waits, or none is named', async () => {
    const daemon = await start(sleeper('reload.batch = 1'));
    const said = async (...words: string[]) => (await daemon.ctl('reload', ...words)).stderr.trim();
    assert.equal(await said('web', '--continue'), 'error: no reload of "web" is under way');
    assert.equal(await said('web', '--abort'), 'error: no reload of "web" is under way');
    assert.match(await said('--abort'), /^error: a watcher and one of --continue and --abort are needed$/);
    assert.match(await said('web', '--abort', '--continue'), /^error: a watcher and one of/);
  });
});
