import assert from 'node:assert/strict';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, listen } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const plain = (name: string, more = '') => `[watcher:${name}]\ncmd = sleep 600\n${more}\n`;
const follower = (policy: string) => plain('web', `requires = db\non_dependency_restart = ${policy}`);

describe('a watcher whose requirement was away', () => {
  const start = daemonPerTest();
  closeClients();

  const ctl = async (daemon: Circusd, ...words: readonly string[]) => {
    const { code, stderr } = await daemon.ctl(...words);
    assert.equal(code, 0, stderr);
  };
  const up = async (daemon: Circusd, name = 'web') => {
    await eventually(async () => assert.equal((await connect(daemon).ask('status', { name }))['status'], 'active'));
    return daemon.pids(name);
  };
  /** Resolves with the new pids when none of the old ones is there. */
  const renewed = (daemon: Circusd, old: readonly number[]) =>
    eventually(async () => {
      const pids = await daemon.pids('web');
      assert.ok(pids.length > 0 && pids.every((pid) => !old.includes(pid)));
      return pids;
    });
  const reloads = async (daemon: Circusd) => {
    const { exits } = (await daemon.json('history', 'web')) as { readonly exits: readonly Record<string, unknown>[] };
    return exits.map(({ reason, by }) => `${String(reason)} by ${String(by)}`);
  };
  const ours = 'plugin dependencies';

  it('is left alone where nothing else is said', async () => {
    const daemon = await start(plain('db') + follower('restart') + plain('calm', 'requires = db'));
    const pids = await up(daemon, 'calm');
    let others = await up(daemon);
    await ctl(daemon, 'restart', 'db', '--waiting');
    others = await renewed(daemon, others);
    await ctl(daemon, 'reload', 'db', '--waiting');
    others = await renewed(daemon, others);
    process.kill((await daemon.pids('db'))[0]!, 'SIGKILL');
    await renewed(daemon, others);
    assert.deepEqual(await daemon.pids('calm'), pids);
  });

  it('has its processes replaced with restart: after a restart, a crash and a reload, once each', async () => {
    const daemon = await start(plain('db') + follower('restart'));
    const events = await listen(daemon, 'web');
    let pids = await up(daemon);
    await ctl(daemon, 'restart', 'db', '--waiting');
    pids = await renewed(daemon, pids);
    process.kill((await daemon.pids('db'))[0]!, 'SIGKILL');
    pids = await renewed(daemon, pids);
    await ctl(daemon, 'reload', 'db', '--waiting');
    await renewed(daemon, pids);
    assert.deepEqual(await reloads(daemon), Array(3).fill(`replaced by ${ours}`));
    const { payload } = await events.next('watcher.web.dependency');
    assert.deepEqual([payload['dependency'], payload['action']], ['db', 'restart']);
  });

  it('is not renewed twice by a reload or restart of all', async () => {
    const daemon = await start(plain('db') + follower('restart'));
    let pids = await up(daemon);
    await ctl(daemon, 'reload', '--waiting');
    pids = await renewed(daemon, pids);
    await ctl(daemon, 'restart', '--waiting');
    pids = await renewed(daemon, pids);
    await ctl(daemon, 'restart', 'db', '--waiting');
    await renewed(daemon, pids);
    const all = await reloads(daemon);
    assert.deepEqual([all.length, all.filter((end) => end.includes(ours)).length], [3, 1], all.join(', '));
  });

  it('is left alone while others of the requirement serve, and when one of them is replaced', async () => {
    const daemon = await start(
      plain('db', 'numprocesses = 2\nmax_age = 1\nmax_age_variance = 0\nready_after = 0') + follower('restart'),
    );
    const pids = await up(daemon);
    const { exits } = await eventually(async () => {
      const history = (await daemon.json('history', 'db')) as {
        readonly exits: readonly { readonly reason: string }[];
      };
      assert.ok(history.exits.length >= 2);
      return history;
    });
    assert.ok(exits.every(({ reason }) => /replaced|too old/.test(reason)));
    assert.deepEqual(await daemon.pids('web'), pids);
    // A change of it is a reload, as in Circus.
    await ctl(daemon, 'set', 'db', 'max_age', '0', '--waiting');
    await renewed(daemon, pids);
    const later = await daemon.pids('web');
    process.kill((await daemon.pids('db'))[0]!, 'SIGKILL');
    await eventually(async () => assert.equal((await daemon.pids('db')).length, 2));
    assert.deepEqual(await daemon.pids('web'), later);
    await ctl(daemon, 'restart', 'db', '--waiting');
    await renewed(daemon, later);
    assert.deepEqual(await reloads(daemon), [`replaced by ${ours}`, `replaced by ${ours}`]);
  });

  it('stops with stop until the requirement is back', async () => {
    const daemon = await start(plain('db') + follower('stop'));
    const pids = await up(daemon);
    await ctl(daemon, 'stop', 'db', '--waiting');
    await eventually(async () => {
      const { state, reason } = await connect(daemon).ask('status', { name: 'web' });
      assert.deepEqual([state, reason], ['waiting', 'waiting for db: ready']);
    });
    assert.deepEqual(await reloads(daemon), [`stopped by ${ours}`]);
    await ctl(daemon, 'start', 'db', '--waiting');
    const after = await renewed(daemon, pids);
    // A reload never leaves it without one.
    await ctl(daemon, 'reload', 'db', '--waiting');
    process.kill((await daemon.pids('db'))[0]!, 'SIGKILL');
    await renewed(daemon, after);
    assert.deepEqual(await reloads(daemon), Array(2).fill(`stopped by ${ours}`));
  });

  it('stays stopped where somebody stopped it', async () => {
    const stopping = 'requires = db\non_dependency_restart = stop';
    const daemon = await start(
      plain('db') + follower('restart') + plain('one', stopping) + plain('other', stopping.replace('stop', 'restart')),
    );
    let pids = await up(daemon);
    for (const name of ['one', 'other']) {
      await up(daemon, name);
      await ctl(daemon, 'stop', name, '--waiting');
    }
    await ctl(daemon, 'restart', 'db', '--waiting');
    pids = await renewed(daemon, pids);
    process.kill((await daemon.pids('db'))[0]!, 'SIGKILL');
    await renewed(daemon, pids);
    for (const name of ['one', 'other']) {
      assert.deepEqual(await daemon.pids(name), []);
      assert.equal((await connect(daemon).ask('status', { name }))['status'], 'stopped');
    }
  });

  it('is not stopped for another one that stops with all', async () => {
    const daemon = await start(plain('db') + follower('stop'));
    await up(daemon);
    await daemon.stop();
    assert.match(daemon.log, /web stopped/);
    assert.doesNotMatch(daemon.log, /it stops until that is there/);
  });
});
