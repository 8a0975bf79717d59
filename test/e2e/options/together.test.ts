/** Keys of all plugins on one watcher, beside the kernel's own. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { daemonsIn, explained, pidsOf, runs } from '../../plugins/cgroup/daemons.js';
import { below, hierarchyForAll, inGroup } from '../../plugins/cgroup/hierarchy.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { environmentOf } from '../../support/proc.js';
import { request, sendRequests } from '../load.js';

const serve = inRoot('test/fixtures/programs/node-app.cjs');

describe('a watcher with keys of all plugins', function () {
  this.timeout(60_000);
  const startIn = daemonsIn(hierarchyForAll());
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'this test changes users, so it needs root');
  });

  it('starts, says how, loses no request to a reload or an age, and leaves nothing', async () => {
    const port = await freePort();
    const { daemon, root } = await startIn(`
[socket:web]
host = 127.0.0.1
port = ${port}

[watcher:web]
cmd = ${process.execPath} ${serve} port ${port}
sockets = web
listen_fds = 1
node_listen = 1
numprocesses = 2
stop_steps = TERM 5, INT 1
uid = nobody
rlimit_nofile = 512
die_with_daemon = 1
cgroup.pids_max = 100
max_age = 1h
flapping.window = 5
hooks.before_start = exec:true
hooks.before_stop = exec:true
`);
    const pids = await eventually(async () => {
      const found = await pidsOf(daemon, 'web');
      assert.equal(found.length, 2);
      return found;
    });
    assert.ok(pids.includes(Number((await request(port)).text)));
    const { text, processes, stop } = (await explained(daemon, 'web')) as Awaited<ReturnType<typeof explained>> & {
      readonly processes: readonly { readonly chain: readonly (readonly string[])[] }[];
    };
    const chain = processes[0]!.chain.map((words) => words.join(' '));
    const at = (pattern: RegExp) => chain.findIndex((words) => pattern.test(words));
    const links = [at(/cgroup\.procs/), at(/setpriv .*--reuid/), at(/--pdeathsig/), at(/LISTEN_PID/)];
    assert.ok(
      links[0]! >= 0 && links[0]! < links[1]! && links[1]! <= links[2]! && links[2]! < links[3]!,
      chain.join('\n'),
    );
    assert.equal(links[3], chain.length - 1);
    assert.equal(stop.means, 'cgroup.kill');
    assert.match(text, /A stop sends SIGTERM, SIGINT after 5\.0 s, SIGKILL after 6\.0 s; .* by cgroup\.kill\./);
    for (const pid of pids) {
      const { LISTEN_PID, LISTEN_FDS } = environmentOf(pid);
      assert.deepEqual([LISTEN_PID, LISTEN_FDS], [String(pid), '1']);
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Uid:\t65534\t65534/m);
      assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max open files +512 +512/m);
      assert.equal(readlinkSync(`/proc/${pid}/exe`), readlinkSync('/proc/self/exe'));
      const group = below(root).find((name) => name.includes('/') && inGroup(join(root, name)).includes(pid));
      assert.match(group!, /^watcher\.web\/\d\.\d$/);
    }

    const load = sendRequests(port, 50);
    const does = async (...words: readonly string[]) => {
      const { code, stderr } = await daemon.ctl(...words, '--waiting');
      assert.equal(code, 0, stderr);
    };
    const areOthers = async (before: readonly number[]) => {
      const now = await pidsOf(daemon, 'web');
      assert.ok(now.length >= 2 && !now.some((pid) => before.includes(pid)));
    };
    await does('reload', 'web');
    await areOthers(pids);
    const reloaded = await pidsOf(daemon, 'web');
    await does('set', 'web', 'max_age', '1', 'max_age_variance', '0');
    await eventually(() => areOthers(reloaded));
    await does('set', 'web', 'max_age', '0');
    const { refused, cut, failures, sent, answers } = await load.stop();
    assert.deepEqual([refused, cut, failures], [0, 0, []]);
    assert.ok(sent > 0 && answers.size >= 4);

    const last = await pidsOf(daemon, 'web');
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual([inGroup(root), last.filter(runs)], [[], []]);
    assert.deepEqual(below(root), ['watcher.web']);
    assert.doesNotMatch(daemon.log, /plugin_fault|"level":50/);
  });
});
