import assert from 'node:assert/strict';
import { Group } from '#plugins/cgroup/group.js';
import { flawsIn, optionsSchema, type CgroupOptions } from '#plugins/cgroup/options.js';
import { Subtree } from '#plugins/cgroup/subtree.js';
import { MemoryKills } from '#plugins/controller/out-of-memory.js';
import { RecordedTree } from './recorded.js';

const top = '/cg';
const read = (options: Readonly<Record<string, unknown>>): CgroupOptions => {
  const result = optionsSchema['~standard'].validate(options);
  assert.ok(!(result instanceof Promise) && !result.issues, JSON.stringify(result));
  return result.value;
};

describe('the limits of a control group, on a recorded tree', () => {
  const spellings = [
    ['memory_max', '500M', '524288000'],
    ['memory_max', '1.5G', '1610612736'],
    ['memory_max', '7P', '7881299347898368'],
    ['memory_max', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['memory_max', 1_048_576, '1048576'],
    ['memory_high', 'max', 'max'],
    ['cpu_max', '50%', '50000 100000'],
    ['cpu_max', '1.5', '150000 100000'],
    ['cpu_max', 2, '200000 100000'],
    ['cpu_max', '8192', '819200000 100000'],
    ['cpu_max', '250 %', '250000 100000'],
    ['cpu_max', 'max', 'max 100000'],
    ['cpu_weight', '10000', '10000'],
    ['pids_max', ' 20 ', '20'],
    ['pids_max', 'max', 'max'],
  ] as const;
  for (const [key, text, written] of spellings)
    it(`are spelled ${key} = ${text}`, () => {
      assert.equal(read({ [key]: text })[key], written);
      assert.deepEqual(flawsIn({ [`cgroup.${key}`]: text }), []);
    });

  /** A group below the top, and how its limits are changed. */
  function setUp(controllers: readonly string[]) {
    const tree = new RecordedTree(top, controllers);
    tree.files.set('/proc/self/cgroup', '0::/\n');
    tree.files.set('/proc/self/mountinfo', `30 24 0:27 / ${top} rw - cgroup2 cgroup2 rw\n`);
    const subtree = new Subtree({ files: tree, pid: 70, uid: 0, family: () => [], busy: () => [], warn: assert.fail });
    const group = new Group(tree, subtree.groupOf('web'));
    const absent: string[] = [];
    const set = async (options: Readonly<Record<string, unknown>>) => {
      tree.writes.length = 0;
      await group.limit(read(options), (controller) => {
        const reason = subtree.enable(controller);
        if (reason !== undefined) absent.push(`${controller}: ${reason}`);
        return reason;
      });
      return tree.writes.map((write) => write.replace(`${top}/circusd.70`, ''));
    };
    return { tree, subtree, group, set, absent };
  }

  it('have their controllers passed on, then are written, exactly and in order', async () => {
    const { set } = setUp(['cpu', 'memory', 'pids', 'hugetlb']);
    const options = { memory_max: '500M', memory_high: '400M', cpu_max: '50%', cpu_weight: '200', pids_max: '20' };
    assert.deepEqual(await set(options), [
      '/cg/cgroup.subtree_control +memory',
      '/cgroup.subtree_control +memory',
      '/watcher.web/memory.max 524288000',
      '/watcher.web/memory.high 419430400',
      '/cg/cgroup.subtree_control +cpu',
      '/cgroup.subtree_control +cpu',
      '/watcher.web/cpu.max 50000 100000',
      '/watcher.web/cpu.weight 200',
      '/cg/cgroup.subtree_control +pids',
      '/cgroup.subtree_control +pids',
      '/watcher.web/pids.max 20',
    ]);
  });

  it('pass on only what is needed', async () => {
    const { tree, set } = setUp(['cpu', 'memory', 'pids']);
    assert.deepEqual(await set({}), []);
    tree.write(`${top}/cgroup.subtree_control`, '+pids');
    assert.deepEqual(await set({ pids_max: 5 }), ['/cgroup.subtree_control +pids', '/watcher.web/pids.max 5']);
  });

  it('are written again only where they changed, and taken away when nobody sets them any more', async () => {
    const { set } = setUp(['cpu', 'memory', 'pids']);
    await set({ memory_max: '500M', cpu_max: '50%', cpu_weight: 5 });
    assert.deepEqual(await set({ memory_max: '600M', cpu_max: '50%', cpu_weight: 5 }), [
      '/watcher.web/memory.max 629145600',
    ]);
    assert.deepEqual(await set({ memory_max: null }), [
      '/watcher.web/memory.max max',
      '/watcher.web/cpu.max max 100000',
      '/watcher.web/cpu.weight 100',
    ]);
    assert.deepEqual(await set({}), []);
  });

  it('are all written where a group was left behind: nobody knows what it holds', async () => {
    const { tree, subtree, set } = setUp(['pids', 'memory']);
    await set({ pids_max: 5, memory_max: '1G' });
    tree.writes.length = 0;
    await new Group(tree, subtree.groupOf('web')).limit(read({ pids_max: 5 }), (name) => subtree.enable(name));
    assert.deepEqual(tree.writes, [
      '/cg/circusd.70/watcher.web/memory.max max',
      '/cg/circusd.70/watcher.web/memory.high max',
      '/cg/circusd.70/watcher.web/pids.max 5',
    ]);
  });

  it('of controllers that are not there are left out, and the others are written', async () => {
    const { set, absent } = setUp(['pids']);
    const writes = await set({ memory_max: '500M', cpu_max: '50%', pids_max: 5 });
    assert.deepEqual(writes, [
      '/cg/cgroup.subtree_control +pids',
      '/cgroup.subtree_control +pids',
      '/watcher.web/pids.max 5',
    ]);
    assert.deepEqual(absent, [
      'memory: the kernel does not offer it in /cg',
      'cpu: the kernel does not offer it in /cg',
    ]);
  });

  it('tell the kills for want of memory of their group', async () => {
    const { tree, group, set } = setUp(['memory']);
    await set({ memory_max: '500M' });
    const events = `${group.path}/memory.events`;
    const kills = new MemoryKills(tree.read);
    const [one, other] = [{ pid: 71 }, { pid: 72 }];
    for (const process of [one, other]) kills.watch(process, [events]);
    assert.equal(kills.explains(one), false);
    tree.files.set(events, 'low 0\nhigh 12\nmax 31\noom 2\noom_kill 1\noom_group_kill 0\n');
    assert.deepEqual([kills.explains(one), kills.explains(other)], [true, false]);
  });
});
