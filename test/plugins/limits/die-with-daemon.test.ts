import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { see } from '../../support/proc.js';
import { daemonPerTest } from '../daemon.js';

const lives = (pid: number) => see(pid)?.zombie === false;
const programOf = (pid: number) => see(pid)?.name;

describe('die_with_daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'these tests change users, so they need root');
  });

  /** The pids of a watcher, once its chains have become its program. */
  const pidsOf = (daemon: Circusd, name: string, count: number) =>
    eventually(async () => {
      const { pids } = (await daemon.json('list', name)) as { readonly pids: readonly number[] };
      assert.equal(pids.length, count);
      assert.deepEqual(pids.map(programOf), Array(count).fill('sleep'));
      return pids;
    });
  const crash = async (daemon: Circusd) => {
    daemon.signal('SIGKILL');
    await daemon.exited;
  };

  it('has processes killed when the daemon is, whoever they run as, and no others', async () => {
    const daemon = await start(`
[watcher:bound]
cmd = sleep 600
numprocesses = 2
die_with_daemon = 1

[watcher:other]
cmd = sleep 600
uid = nobody
capabilities = +net_bind_service
env.LD_LIBRARY_PATH = /nowhere
die_with_daemon = True

[watcher:free]
cmd = sleep 600
die_with_daemon = 0
`);
    const bound = [...(await pidsOf(daemon, 'bound', 2)), ...(await pidsOf(daemon, 'other', 1))];
    const free = await pidsOf(daemon, 'free', 1);
    assert.ok([...bound, ...free].every(lives));
    await crash(daemon);
    await eventually(() => assert.deepEqual(bound.filter(lives), []));
    assert.ok(free.every(lives));
    await daemon.kill();
  });

  it('can be set at run time: the processes are replaced by such that have it', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\nready_after = 0\n');
    const before = await pidsOf(daemon, 'web', 1);
    assert.equal((await daemon.ctl('set', 'web', 'die_with_daemon', 'true', '--waiting')).code, 0);
    const after = await pidsOf(daemon, 'web', 1);
    assert.notDeepEqual(after, before);
    await crash(daemon);
    await eventually(() => assert.deepEqual(after.filter(lives), []));
    await daemon.kill();
  });

  it('starts nothing for a daemon that is gone before they are bound to it', async () => {
    // In place of setpriv, one that comes to its work only when the daemon has died.
    const slow = `#!/bin/sh
parent=$PPID
while [ "$parent" = "$PPID" ]; do sleep 0.01; read -r _ _ _ parent _ </proc/$$/stat; done
exec /usr/bin/setpriv "$@"
`;
    temporary.write('setpriv', slow, 0o755);
    const started = `${temporary.path}/started`;
    const daemon = await start(`[watcher:web]\ncmd = touch ${started}\ndie_with_daemon = 1\n`, {
      env: { PATH: `${temporary.path}:${process.env['PATH']}` },
    });
    await eventually(() => daemon.descendants().some(({ name }) => name === 'setpriv'));
    const [link] = daemon.descendants();
    await crash(daemon);
    await eventually(() => assert.ok(!lives(link!.pid)));
    assert.ok(!existsSync(started));
    await daemon.kill();
  });
});
