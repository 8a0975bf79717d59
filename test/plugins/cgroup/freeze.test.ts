import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonsIn, explained, fixture, pidsOf, reasonsOf } from './daemons.js';
import { below, held, hierarchyForAll, inGroup } from './hierarchy.js';

describe('freeze and thaw', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const startIn = daemonsIn(hierarchy);
  const temporary = temporaryPerTest();
  const written = (file: string) => readFileSync(file, 'utf8').length;

  it('halt a watcher and let it go on, by circusctl; explain tells', async () => {
    const file = temporary.write('dots', '');
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${fixture('count-up.sh')} ${file}\n`);
    await eventually(() => assert.ok(written(file) > 2));
    const { code, stderr } = await daemon.ctl('freeze', 'web');
    assert.deepEqual([code, stderr], [0, '']);
    const still = written(file);
    const [place = ''] = below(root).filter((name) => name.includes('/'));
    assert.match(held(join(root, place), 'cgroup.events'), /^frozen 1$/m);
    assert.equal((await explained(daemon, 'web')).cgroup?.frozen, true);
    assert.match((await explained(daemon, 'web')).text, /^It is frozen: /m);
    assert.equal((await daemon.ctl('status')).stdout, 'web: active (frozen)\n');
    assert.deepEqual(((await daemon.json('status', 'web')) as { readonly notes?: unknown }).notes, { web: 'frozen' });
    assert.equal(written(file), still);
    const { pids } = (await daemon.json('thaw', 'web')) as { readonly pids: readonly number[] };
    assert.ok(pids.includes((await pidsOf(daemon, 'web'))[0]!));
    await eventually(() => assert.ok(written(file) > still));
    assert.equal((await explained(daemon, 'web')).cgroup?.frozen, false);
    assert.equal((await daemon.ctl('status')).stdout, 'web: active\n');
  });

  it('leave a frozen watcher that is stopped its own way to end', async () => {
    const file = temporary.write('dots', '');
    const { daemon } = await startIn(`[watcher:web]\ncmd = ${fixture('count-up.sh')} ${file}\n`);
    await eventually(() => assert.ok(written(file) > 2));
    await daemon.ctl('freeze', 'web');
    await daemon.ctl('stop', 'web', '--waiting');
    assert.deepEqual(await reasonsOf(daemon, 'web'), ['stopped']);
    assert.match((await daemon.ctl('freeze', 'web')).stderr, /"web" is not up: only what runs freezes/);
    await daemon.ctl('start', 'web', '--waiting');
    assert.equal((await explained(daemon, 'web')).cgroup?.frozen, false);
  });

  it('leave one process that is stopped its own way to end, and the others frozen', async () => {
    const files = ['a', 'b'].map((name) => temporary.write(name, ''));
    const words = `sh -c "exec ${fixture('count-up.sh')} ${files[0]!.slice(0, -1)}$(echo $(circus.wid) | tr 12 ab)"`;
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${words}\nnumprocesses = 2\n`);
    await eventually(() => assert.ok(files.every((file) => written(file) > 2)));
    await daemon.ctl('freeze', 'web');
    await daemon.ctl('decr', 'web', '--waiting');
    assert.deepEqual(await reasonsOf(daemon, 'web'), ['resized']);
    const places = below(root).filter((name) => name.includes('/') && inGroup(join(root, name)).length > 0);
    assert.equal(places.length, 1);
    assert.match(held(join(root, places[0]!), 'cgroup.events'), /^frozen 1$/m);
  });

  it('take groups, with a part for each watcher', async () => {
    const { daemon } = await startIn(
      '[watcher:bare]\ncmd = sleep 600\ngroup = api\ncgroup.active = False\n[watcher:web]\ncmd = sleep 600\ngroup = api\n',
    );
    await eventually(async () => assert.equal((await pidsOf(daemon, 'web')).length, 1));
    const { code, stdout, stderr } = await daemon.ctl('freeze', '@api');
    assert.deepEqual([code, stdout], [3, 'web: ok\n']);
    assert.match(stderr, /^error: bare: "bare" has no control groups, /);
    assert.equal((await daemon.ctl('status', '@api')).stdout, 'bare: active\nweb: active (frozen)\n');
    assert.equal((await daemon.ctl('thaw', 'web')).code, 0);
  });

  it('hold a process that comes meanwhile before its program runs', async () => {
    const file = temporary.write('dots', '');
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = ${fixture('count-up.sh')} ${file}\n`);
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
    for (const command of ['freeze', 'thaw']) {
      const { stderr } = await daemon.ctl(command, 'free');
      assert.match(
        stderr,
        /"free" has no control groups, as "cgroup\.active" is false: "circusctl set free cgroup\.act/,
      );
    }
  });

  it('say what helps where groups were switched off, and it helps', async () => {
    const { daemon, root } = await startIn('[watcher:web]\ncmd = sleep 600\n');
    await daemon.ctl('freeze', 'web');
    await daemon.ctl('set', 'web', 'cgroup.active', 'False', '--waiting');
    await eventually(() => assert.deepEqual(below(root), []));
    assert.equal((await daemon.ctl('status')).stdout, 'web: active\n');
    const { stderr } = await daemon.ctl('freeze', 'web');
    const [, command] = /: "circusctl (set .*)" replaces/.exec(stderr)!;
    assert.equal((await daemon.ctl(...command!.split(' '), '--waiting')).code, 0);
    const { code, stderr: said } = await daemon.ctl('freeze', 'web');
    assert.deepEqual([code, said], [0, '']);
    assert.deepEqual(inGroup(root), await pidsOf(daemon, 'web'));
    await daemon.ctl('stop', 'web', '--waiting');
    await daemon.ctl('set', 'web', 'cgroup.active', 'False', '--waiting');
    await eventually(() => assert.deepEqual(below(root), []));
  });
});
