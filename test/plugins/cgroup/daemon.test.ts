import assert from 'node:assert/strict';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../daemon.js';
import { daemonsIn, explained, fixture, pidsOf, reasonsOf, runs } from './daemons.js';
import { below, held, hierarchyForAll, inGroup, put } from './hierarchy.js';

describe('control groups in a real hierarchy', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const startIn = daemonsIn(hierarchy);
  const start = daemonPerTest();

  it('puts each process and all that it starts into a group of its own, before its program runs', async () => {
    const { daemon, root } = await startIn(
      '[watcher:web]\ncmd = sh -c "cat /proc/self/cgroup; sleep 600 & wait"\nnumprocesses = 2\n',
    );
    await eventually(() => assert.equal(daemon.log.match(/^0::.*\/root-1\/watcher\.web\/\d\.\d$/gm)?.length, 2));
    await eventually(() => assert.deepEqual(below(root).length, 3));
    const pids = await pidsOf(daemon, 'web');
    for (const [at, name] of below(root).slice(1).entries()) {
      await eventually(() => assert.equal(inGroup(join(root, name)).length, 2));
      assert.ok(inGroup(join(root, name)).includes(pids[at]!));
    }
    assert.deepEqual(inGroup(root).length, 4);
  });

  it('is explained before it is there, and makes nothing for that', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\nautostart = False\n');
    assert.match(
      (await explained(daemon, 'web')).text,
      /^A start would run: .*\/root-\d+\/watcher\.web\/1\.1 .*sleep/m,
    );
    assert.deepEqual(below(root), []);
    await daemon.ctl('start', 'web', '--waiting');
    await daemon.ctl('stop', 'web', '--waiting');
    assert.match((await explained(daemon, 'web')).text, /\/watcher\.web\/1\.2 /);
    assert.deepEqual(below(root), ['watcher.web']);
  });

  it('ends with the stop what left its session, its parent and its environment', async () => {
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${fixture('vanish.py')}\ngraceful_timeout = 0.3\n`);
    await eventually(() => assert.match(daemon.log, /vanished \d+/));
    const vanished = Number(/vanished (\d+)/.exec(daemon.log)![1]);
    assert.ok(inGroup(root).includes(vanished));
    const before = below(root);
    const { cgroup, stop, text } = await explained(daemon, 'web');
    assert.deepEqual([stop.means, cgroup?.frozen], ['cgroup.kill', false]);
    assert.match(text, /in the control group \/.*\/watcher\.web\.$/m);
    assert.deepEqual(text.match(/.*cgroup\.kill.*/g), [
      'A stop sends SIGTERM, SIGKILL after 0.3 s; all of its tree is killed by cgroup.kill.',
    ]);
    assert.deepEqual(below(root), before);
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual([inGroup(root), runs(vanished)], [[], false]);
    assert.deepEqual(below(root), ['watcher.web']);
    assert.deepEqual(await reasonsOf(daemon, 'web'), ['killed after grace']);
  });

  it('kills one of two processes with its tree, and not the other', async () => {
    const { daemon, root } = await startIn(
      `[watcher:web]\ncmd = ${fixture('vanish.py')}\nnumprocesses = 2\ngraceful_timeout = 0.2\n`,
    );
    await eventually(() => assert.equal(daemon.log.match(/vanished \d+/g)?.length, 2));
    const [first = 0, second = 0] = await pidsOf(daemon, 'web');
    const groupOf = (pid: number) =>
      below(root).find((name) => name.includes('/') && inGroup(join(root, name)).includes(pid))!;
    const [killed, spared] = [groupOf(first), groupOf(second)];
    const before = inGroup(join(root, spared));
    assert.equal(before.length, 2);
    const gone = inGroup(join(root, killed));
    await daemon.ctl('kill', 'web', String(first), '--signum', '9', '--waiting');
    assert.deepEqual(gone.filter(runs), []);
    assert.deepEqual(inGroup(join(root, spared)), before);
  });

  it('ends what forks faster than it could be looked for', async () => {
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${fixture('scatter.py')}\ngraceful_timeout = 0.1\n`);
    await eventually(() => assert.match(daemon.log, /scattered/));
    const first = new Set(inGroup(root));
    await eventually(() => assert.ok(inGroup(root).filter((pid) => !first.has(pid)).length >= 10));
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual(inGroup(root), []);
  });

  it('kills at the stop what an earlier process left behind when it ended by itself', async () => {
    const { daemon, root } = await startIn(
      `[watcher:web]\ncmd = sh -c "setsid sleep 600 & exit 0"\nmax_retry = 5\n[watcher:other]\ncmd = sleep 600\n`,
    );
    await eventually(async () => assert.ok((await reasonsOf(daemon, 'web')).length > 1));
    assert.ok(inGroup(join(root, 'watcher.web')).length > 0);
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual(inGroup(join(root, 'watcher.web')), []);
    assert.equal(inGroup(join(root, 'watcher.other')).length, 1);
  });

  it('removes the groups of a watcher with the watcher, and leaves those of one that runs on', async () => {
    const { daemon, root } = await startIn('[watcher:a/b c]\ncmd = sleep 600\n[watcher:other]\ncmd = sleep 600\n');
    await eventually(() => assert.equal(inGroup(root).length, 2));
    assert.ok(below(root).includes('watcher.a%2fb%20c'), below(root).join());
    await daemon.ctl('rm', 'a/b c', '--waiting');
    assert.deepEqual(below(root), ['watcher.other', 'watcher.other/1.1']);
    const [pid = 0] = await pidsOf(daemon, 'other');
    await daemon.ctl('rm', 'other', '--nostop', '--waiting');
    assert.deepEqual(inGroup(join(root, 'watcher.other')), [pid]);
    process.kill(pid, 'SIGKILL');
    await eventually(() => assert.deepEqual(inGroup(root), []));
  });

  it('puts processes into groups that ran before it was loaded', async () => {
    const through = hierarchy().through('late');
    const late = hierarchy().make('late');
    const daemon = await start(`[watcher:web]\ncmd = sh -c "sleep 600 & wait"\n`, { through });
    await eventually(() => assert.equal(inGroup(late).length, 3));
    const pids = await pidsOf(daemon, 'web');
    const { code, stderr } = await daemon.ctl('set', 'web', 'cgroup.pids_max', '100', '--waiting');
    assert.deepEqual([code, stderr], [0, '']);
    await eventually(() => assert.equal(inGroup(join(late, 'watcher.web')).length, 2));
    assert.deepEqual(await pidsOf(daemon, 'web'), pids);
    assert.deepEqual(((await daemon.json('freeze', 'web')) as { readonly pids: readonly number[] }).pids.length, 2);
    await daemon.ctl('thaw', 'web');
  });

  it('replaces the processes of a watcher that is to have groups, or none any more', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\n');
    await eventually(() => assert.equal(inGroup(root).length, 1));
    const [first] = await pidsOf(daemon, 'web');
    await daemon.ctl('set', 'web', 'cgroup.active', 'False', '--waiting');
    const [second] = await pidsOf(daemon, 'web');
    assert.notEqual(second, first);
    assert.deepEqual(inGroup(root), []);
    await daemon.ctl('set', 'web', 'cgroup.active', 'True', '--waiting');
    assert.deepEqual(inGroup(root), await pidsOf(daemon, 'web'));
  });

  it('takes over what a daemon that crashed has left, and removes what is empty of it', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\n[watcher:gone]\ncmd = sleep 600\n');
    await eventually(() => assert.equal(inGroup(root).length, 2));
    const [web = 0] = await pidsOf(daemon, 'web');
    const [gone = 0] = await pidsOf(daemon, 'gone');
    daemon.signal('SIGKILL');
    await daemon.exited;
    process.kill(gone, 'SIGKILL');
    await eventually(() => assert.deepEqual(inGroup(root), [web]));
    assert.equal(below(root).length, 4);
    const { daemon: second } = await startIn('[watcher:web]\ncmd = sleep 600\n', root);
    const [own = 0] = await pidsOf(second, 'web');
    await eventually(() => assert.deepEqual([...inGroup(root)].sort(), [web, own].sort()));
    assert.ok(!below(root).includes('watcher.gone'));
    await second.ctl('stop', 'web', '--waiting');
    assert.deepEqual(inGroup(root), []);
    await second.stop();
    await daemon.kill();
  });

  it('thaws what a daemon that crashed has left frozen, and tells it', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\n');
    await daemon.ctl('freeze', 'web');
    const [web = 0] = await pidsOf(daemon, 'web');
    const place = join(
      root,
      below(root).find((name) => name.includes('/'))!,
    );
    assert.match(held(place, 'cgroup.events'), /^frozen 1$/m);
    daemon.signal('SIGKILL');
    await daemon.exited;
    const { daemon: second } = await startIn('[watcher:other]\ncmd = sleep 600\n', root);
    await eventually(() => assert.match(held(place, 'cgroup.events'), /^frozen 0$/m));
    assert.match(
      second.log,
      /1 process runs in the control group \/.*\/watcher\.web, which was left behind; it was frozen, and is thawed/,
    );
    process.kill(web, 'SIGTERM');
    await eventually(() => assert.equal(runs(web), false));
    await second.stop();
    await daemon.kill();
    assert.deepEqual(below(root), []);
  });

  it('refuses a second daemon in the same place, which touches nothing of the first', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\n');
    const [web = 0] = await pidsOf(daemon, 'web');
    const { daemon: second } = await startIn('[watcher:web]\ncmd = sleep 600\n', root);
    assert.match(
      second.log,
      new RegExp(
        `holds the control groups of circusd ${daemon.pid}: name another folder .*; \\[plugin:cgroup\\] is left out`,
      ),
    );
    const [other = 0] = await pidsOf(second, 'web');
    assert.ok(runs(other));
    await second.ctl('stop', 'web', '--waiting');
    await second.stop();
    assert.deepEqual([runs(web), inGroup(root)], [true, [web]]);
  });

  it('says once that a controller is not there, and everything else works', async () => {
    const limits = ['memory_max = 100M', 'memory_high = 50M', 'cpu_max = 50%', 'pids_max = 50'];
    const watcher = (name: string) =>
      `[watcher:${name}]\ncmd = sleep 600\n${limits.map((one) => `cgroup.${one}\n`).join('')}`;
    // Nothing is passed on to the groups of the tests.
    const { daemon, root } = await startIn(watcher('one') + watcher('two'));
    await eventually(() => assert.equal(inGroup(root).length, 2));
    for (const [controller, keys] of [
      ['memory', 'memory_max and memory_high'],
      ['cpu', 'cpu_max and cpu_weight'],
      ['pids', 'pids_max'],
    ]) {
      const line = new RegExp(
        `no controller \\\\"${controller}\\\\" \\(the kernel does not offer it in [^)]*\\); without effect: ${keys};`,
        'g',
      );
      assert.equal(daemon.log.match(line)?.length, 1, daemon.log);
    }
    await daemon.ctl('freeze', 'one');
    assert.equal((await explained(daemon, 'one')).cgroup?.frozen, true);
    await daemon.ctl('stop', 'two', '--waiting');
    assert.equal(inGroup(root).length, 1);
  });

  it('names a group that could not be made as the reason of a failed start', async () => {
    const narrow = hierarchy().make('narrow');
    put(narrow, 'cgroup.max.descendants', '1');
    const { daemon } = await startIn('[watcher:web]\ncmd = sleep 600\nmax_retry = 1\n', narrow);
    await eventually(async () => assert.match((await explained(daemon, 'web')).text, /given up .*EAGAIN/));
  });
});
