import assert from 'node:assert/strict';
import { MemoryKills } from '#plugins/controller/out-of-memory.js';

describe('the kills for want of memory', () => {
  const files = new Map<string, string>();
  beforeEach(() => files.clear());
  const make = () => new MemoryKills((path) => files.get(path));
  const one = { pid: 11 };
  const other = { pid: 12 };

  const places = [
    ['cgroup v2', '0::/app\n', '/sys/fs/cgroup/app/memory.events', 'low 0\noom 9\noom_kill '],
    [
      'cgroup v1',
      '5:cpu,memory:/app\n0::/\n',
      '/sys/fs/cgroup/memory/app/memory.oom_control',
      'under_oom 0\noom_kill ',
    ],
    ['no control group of memory', '0::/\n', '/proc/vmstat', 'nr_free 5\noom_kill '],
  ] as const;
  for (const [name, groups, counter, text] of places) {
    it(`are counted with ${name}`, () => {
      files.set('/proc/11/cgroup', groups).set(counter, `${text}4\noom_group_kill 0\n`);
      const kills = make();
      kills.watch(one);
      assert.equal(kills.explains(one), false);
      files.set(counter, `${text}5\noom_group_kill 0\n`);
      assert.equal(kills.explains(one), true);
    });
  }

  it('explain one end each', () => {
    const counter = '/sys/fs/cgroup/app/memory.events';
    for (const { pid } of [one, other]) files.set(`/proc/${pid}/cgroup`, '0::/app\n');
    files.set(counter, 'oom_kill 4\n');
    const kills = make();
    kills.watch(one);
    kills.watch(other);
    files.set(counter, 'oom_kill 5\n');
    assert.deepEqual([kills.explains(one), kills.explains(other)], [true, false]);
    files.set(counter, 'oom_kill 6\n');
    assert.equal(kills.explains(other), true);
  });

  it('before a process began are none of its own', () => {
    files.set('/proc/11/cgroup', '0::/app\n').set('/sys/fs/cgroup/app/memory.events', 'oom_kill 4\n');
    const kills = make();
    assert.equal(kills.explains(one), false);
    kills.watch(one);
    assert.equal(kills.explains(one), false);
  });

  it('are not known where nothing can be read', () => {
    const kills = make();
    kills.watch(one);
    assert.equal(kills.explains(one), false);
  });
});
