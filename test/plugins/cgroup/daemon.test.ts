import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { see } from '../../support/proc.js';
import { inRoot, program as programFile } from '../../support/paths.js';
import { run } from '../../support/run.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { runCircusd, type Circusd } from '../../support/circusd.js';
import { daemonPerTest } from '../daemon.js';
import { below, held, hierarchyForAll, inGroup, pidsOf, put } from './hierarchy.js';

const program = (name: string) => inRoot('test', 'fixtures', 'programs', name);
const section = (root: string) => `[plugin:cgroup]\nuse = cgroup\nroot = ${root}\n`;

/** True for a process that has not ended. */
const runs = (pid: number) => see(pid)?.zombie === false;

interface Explained {
  readonly text: string;
  readonly cgroup?: { readonly path: string; readonly frozen: boolean; readonly means: string };
}
const explained = async (daemon: Circusd, name: string) => (await daemon.json('explain', name)) as Explained;
const reasonsOf = async (daemon: Circusd, name: string) =>
  ((await daemon.json('history', name)) as { readonly exits: readonly { readonly reason: string }[] }).exits.map(
    ({ reason }) => reason,
  );

describe('control groups in a real hierarchy', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  let count = 0;

  /** A daemon whose groups are below one that was made for it. */
  async function startIn(watchers: string): Promise<{ readonly daemon: Circusd; readonly root: string }> {
    const name = `root-${++count}`;
    const root = hierarchy().make(name);
    const daemon = await start(section(hierarchy().inside(name)) + watchers, {
      through: hierarchy().through(hierarchy().here),
    });
    return { daemon, root };
  }

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

  it('ends with the stop what left its session, its parent and its environment', async () => {
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${program('vanish.py')}\ngraceful_timeout = 0.3\n`);
    await eventually(() => assert.match(daemon.log, /vanished \d+/));
    const vanished = Number(/vanished (\d+)/.exec(daemon.log)![1]);
    assert.ok(inGroup(root).includes(vanished));
    const { cgroup, text } = await explained(daemon, 'web');
    assert.deepEqual([cgroup?.means, cgroup?.frozen], ['cgroup.kill', false]);
    assert.match(text, /in the control group \/.*\/watcher\.web; .* killed with cgroup\.kill\.$/);
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual([inGroup(root), runs(vanished)], [[], false]);
    assert.deepEqual(below(root), ['watcher.web']);
    assert.deepEqual(await reasonsOf(daemon, 'web'), ['killed after grace']);
  });

  it('kills one of two processes with its tree, and not the other', async () => {
    const { daemon, root } = await startIn(
      `[watcher:web]\ncmd = ${program('vanish.py')}\nnumprocesses = 2\ngraceful_timeout = 0.2\n`,
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
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${program('scatter.py')}\ngraceful_timeout = 0.1\n`);
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

  describe('freeze and thaw', () => {
    const written = (file: string) => readFileSync(file, 'utf8').length;

    it('halt a watcher and let it go on, by circusctl; explain tells', async () => {
      const file = temporary.write('dots', '');
      const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${program('count-up.sh')} ${file}\n`);
      await eventually(() => assert.ok(written(file) > 2));
      const { code, stderr } = await daemon.ctl('freeze', 'web');
      assert.deepEqual([code, stderr], [0, '']);
      const still = written(file);
      const [place = ''] = below(root).filter((name) => name.includes('/'));
      assert.match(held(join(root, place), 'cgroup.events'), /^frozen 1$/m);
      assert.equal((await explained(daemon, 'web')).cgroup?.frozen, true);
      assert.match((await explained(daemon, 'web')).text, /^It is frozen: /m);
      assert.equal(written(file), still);
      const { pids } = (await daemon.json('thaw', 'web')) as { readonly pids: readonly number[] };
      assert.ok(pids.includes((await pidsOf(daemon, 'web'))[0]!));
      await eventually(() => assert.ok(written(file) > still));
      assert.equal((await explained(daemon, 'web')).cgroup?.frozen, false);
    });

    it('leave a frozen watcher that is stopped its own way to end', async () => {
      const file = temporary.write('dots', '');
      const { daemon } = await startIn(`[watcher:web]\ncmd = ${program('count-up.sh')} ${file}\n`);
      await eventually(() => assert.ok(written(file) > 2));
      await daemon.ctl('freeze', 'web');
      await daemon.ctl('stop', 'web', '--waiting');
      assert.deepEqual(await reasonsOf(daemon, 'web'), ['stopped']);
      await daemon.ctl('start', 'web', '--waiting');
      assert.equal((await explained(daemon, 'web')).cgroup?.frozen, false);
    });

    it('hold a process that comes meanwhile before its program runs', async () => {
      const file = temporary.write('dots', '');
      const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${program('count-up.sh')} ${file}\n`);
      await eventually(() => assert.ok(written(file) > 2));
      const [pid = 0] = await pidsOf(daemon, 'web');
      await daemon.ctl('freeze', 'web');
      const still = written(file);
      process.kill(pid, 'SIGKILL');
      await eventually(async () => {
        const [next] = await pidsOf(daemon, 'web');
        assert.ok(next !== undefined && next !== pid && inGroup(root).includes(next));
      });
      assert.equal(written(file), still);
      await daemon.ctl('thaw', 'web');
      await eventually(() => assert.ok(written(file) > still));
    });

    it('refuse what can not be frozen, with the nearest name', async () => {
      const { daemon } = await startIn(
        '[watcher:web]\ncmd = sleep 600\nautostart = False\n[watcher:free]\ncmd = sleep 600\ncgroup.active = False\n',
      );
      assert.match((await daemon.ctl('freeze', 'wep')).stderr, /program wep not found \(did you mean "web"\?\)/);
      assert.match((await daemon.ctl('freeze', 'web')).stderr, /"web" has no process in a control group/);
      assert.match((await daemon.ctl('freeze', 'free')).stderr, /"free" has no process in a control group/);
    });
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
    const text = `${section(hierarchy().inside(`root-${count}`))}[watcher:web]\ncmd = sleep 600\n`;
    const second = await start(text, { through: hierarchy().through(hierarchy().here) });
    const [own = 0] = await pidsOf(second, 'web');
    await eventually(() => assert.deepEqual([...inGroup(root)].sort(), [web, own].sort()));
    assert.ok(!below(root).includes('watcher.gone'));
    await second.ctl('stop', 'web', '--waiting');
    assert.deepEqual(inGroup(root), []);
    await second.stop();
    await daemon.kill();
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
    const name = `root-${++count}`;
    const root = hierarchy().make(name);
    put(root, 'cgroup.max.descendants', '1');
    const daemon = await start(`${section(hierarchy().inside(name))}[watcher:web]\ncmd = sleep 600\nmax_retry = 1\n`, {
      through: hierarchy().through(hierarchy().here),
    });
    await eventually(async () => assert.match((await explained(daemon, 'web')).text, /given up .*EAGAIN/));
  });
});

describe('control groups under delegation', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const start = daemonPerTest();

  it('take the own group of the daemon, which moves into a leaf of it and back', async () => {
    const unit = hierarchy().make('unit');
    const daemon = await start('[watcher:web]\ncmd = sleep 600\ncgroup.active = True\n', {
      through: hierarchy().through('unit'),
    });
    const pids = await pidsOf(daemon, 'web');
    await eventually(() => assert.deepEqual(inGroup(join(unit, 'watcher.web')), pids));
    assert.equal(held(unit, 'cgroup.procs'), '');
    assert.deepEqual(inGroup(join(unit, 'supervisor')), [daemon.pid]);
    assert.match((await explained(daemon, 'web')).cgroup!.path, /\/unit\/watcher\.web$/);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(below(unit), []);
  });

  it('begin in the leaf where systemd starts the daemon there', async () => {
    const unit = hierarchy().make('unit-2');
    hierarchy().make('unit-2/supervisor');
    const daemon = await start('[watcher:web]\ncmd = sleep 600\ncgroup.active = True\n', {
      through: hierarchy().through('unit-2/supervisor'),
    });
    const pids = await pidsOf(daemon, 'web');
    await eventually(() => assert.deepEqual(inGroup(join(unit, 'watcher.web')), pids));
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(below(unit), []);
  });
});

describe('bad input about control groups', () => {
  const hierarchy = hierarchyForAll();
  const start = daemonPerTest();
  const temporary = temporaryPerTest();

  it('is told with its place, and leaves out the watcher that has it', async () => {
    const lines = [
      ['memory_max = lots', '"cgroup.memory_max" must be a size such as 500M, or max, and is "lots"'],
      ['memory_high = 500', '"cgroup.memory_high" must be at least 1M, and is "500"'],
      ['cpu_max = 0', '"cgroup.cpu_max" must be at least 1%, and is "0"'],
      [
        'cpu_max = half',
        '"cgroup.cpu_max" must be a share such as 50%, a number of processors such as 1.5, or max, and is "half"',
      ],
      ['cpu_weight = 10001', '"cgroup.cpu_weight" must be a whole number from 1 to 10000, and is "10001"'],
      ['pids_max = -3', '"cgroup.pids_max" must be a whole number from 1 to 4194304, or max, and is "-3"'],
      ['memory_mx = 5M', '"cgroup.memory_mx" is no option of a control group (did you mean "cgroup.memory_max"?)'],
      ['root = /', '"cgroup.root" is for all watchers: it belongs in [plugin:cgroup]'],
      ['active = perhaps', '"cgroup.active" "perhaps" is not true or false'],
    ] as const;
    const ini = lines.map(([line], at) => `[watcher:w${at}]\ncmd = sleep 600\ncgroup.${line}\n`).join('');
    const file = temporary.write('a.ini', `${ini}[watcher:good]\ncmd = sleep 600\ncgroup.memory_max = 1.5G\n`);
    const { code, stderr } = await runCircusd(['--check', file]);
    assert.equal(code, 1);
    const told = stderr.trim().split('\n');
    assert.equal(told.length, lines.length, stderr);
    for (const [at, [line, message]] of lines.entries()) {
      const place = `${file}:${at * 3 + 3}:${line.indexOf('= ') + 'cgroup.'.length + 3}: `;
      assert.ok(told[at]!.includes(`${place}${message}; [watcher:w${at}] is left out`), told[at]);
    }
  });

  it('in the section is told with its place, leaves the plugin out, and runs the watchers', async () => {
    const daemon = await start(`[plugin:cgroup]\nuse = cgroup\nroot = /tmp\n[watcher:web]\ncmd = sleep 600\n`);
    assert.match(
      daemon.log,
      /circus\.ini:\d+:8: .*option \\"root\\" of plugin \\"cgroup\\": \\"\/tmp\\" is not a folder of cgroup v2; \[plugin:cgroup\] is left out/,
    );
    assert.equal((await pidsOf(daemon, 'web')).length, 1);
    const complaint = async (option: string, ...words: readonly string[]) => {
      const file = temporary.write('b.ini', `[plugin:cgroup]\nuse = cgroup\n${option}\n`);
      const [command, ...more] = [...words, process.execPath, programFile('circusd'), '--check', file];
      const { code, stderr } = await run(command, more);
      assert.equal(code, 1, stderr);
      assert.ok(stderr.includes(`${file}:3:`), stderr);
      assert.equal(stderr.trim().split('\n').length, 1, stderr);
      return stderr;
    };
    assert.match(await complaint('root = /no/where'), /"\/no\/where" can't be used: ENOENT/);
    assert.match(await complaint('memory_maxx = 5M'), /no such option \(did you mean "memory_max"\?\)/);
    assert.match(await complaint('memory_max = 5X'), /must be a size such as 500M/);
    const readOnly = 'mount -o remount,bind,ro "$0" && exec "$@"';
    const space = ['unshare', '--mount', 'sh', '-c', readOnly, join(hierarchy().inside(), '..')];
    assert.match(
      await complaint(`root = ${hierarchy().inside()}`, ...hierarchy().within, ...space),
      /may not be written to by this user/,
    );
  });
});
