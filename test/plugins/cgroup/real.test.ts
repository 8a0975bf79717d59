import assert from 'node:assert/strict';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { daemonsIn, pidsOf, reasonsOf } from './daemons.js';
import { held, hierarchyForAll, inGroup, put } from './hierarchy.js';

/** Each on a recorded tree in limits.test.ts; here where the kernel offers them. */
const controllers = ['memory', 'cpu', 'pids'] as const;

describe('limits by the kernel itself', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const startIn = daemonsIn(hierarchy);
  let there: readonly string[] = [];

  before('see which controllers there are', () => {
    there = held(hierarchy().path(), 'cgroup.controllers').split(' ');
    const absent = controllers.filter((one) => !there.includes(one));
    const list = (names: readonly string[]) => names.join(', ') || 'none';
    console.log(
      `      for real: ${list(controllers.filter((one) => there.includes(one)))}; on a recorded tree only: ${list(absent)}`,
    );
    for (const one of controllers)
      if (there.includes(one)) put(hierarchy().path(), 'cgroup.subtree_control', `+${one}`);
  });

  it('memory: what needs more is killed, and the history says why', async function () {
    if (!there.includes('memory')) return this.skip();
    const hungry = `const all = []; setInterval(() => all.push(Buffer.alloc(1 << 22, 1)), 5)`;
    const options = 'respawn = False\ncgroup.memory_max = 80M\n';
    const { daemon } = await startIn(`[watcher:web]\ncmd = ${process.execPath} -e "${hungry}"\n${options}`);
    await eventually(async () => assert.deepEqual(await reasonsOf(daemon, 'web'), ['out of memory']), {
      within: 15_000,
    });
  });

  it('cpu: what wants more is held back, and a change counts at once', async function () {
    if (!there.includes('cpu')) return this.skip();
    const { daemon, root } = await startIn(`[watcher:web]\ncmd = sh -c "while :; do :; done"\ncgroup.cpu_max = 10%\n`);
    const group = join(root, 'watcher.web');
    assert.equal(held(group, 'cpu.max'), '10000 100000');
    await eventually(() => assert.ok(Number(/^nr_throttled (\d+)$/m.exec(held(group, 'cpu.stat'))?.[1]) > 1));
    const pids = await pidsOf(daemon, 'web');
    await daemon.ctl('set', 'web', 'cgroup.cpu_max', '1.5', 'cgroup.cpu_weight', '50', '--waiting');
    await eventually(() =>
      assert.deepEqual([held(group, 'cpu.max'), held(group, 'cpu.weight')], ['150000 100000', '50']),
    );
    assert.deepEqual(await pidsOf(daemon, 'web'), pids);
  });

  it('pids: a fork beyond the limit fails', async function () {
    if (!there.includes('pids')) return this.skip();
    const { root } = await startIn(
      `[watcher:web]\ncmd = sh -c "sleep 600 & sleep 600 & sleep 600 & wait"\ncgroup.pids_max = 3\nrespawn = 0\n`,
    );
    const group = join(root, 'watcher.web');
    await eventually(() => assert.ok(Number(/^max (\d+)$/m.exec(held(group, 'pids.events'))?.[1]) > 0));
    assert.ok(inGroup(group).length <= 3);
  });
});
