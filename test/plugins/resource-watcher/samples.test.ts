import assert from 'node:assert/strict';
import { groupOf, memoryOf, shareOf, useOf, type Read } from '#plugins/resource-watcher/samples.js';

/** A line of /proc/PID/stat: the fields from the state on, those that count filled in. */
const stat = (pid: number, own: number, ended: number, pages: number) => {
  const fields = [
    'S',
    ...Array<string>(10).fill('0'),
    `${own}`,
    '0',
    `${ended}`,
    '0',
    ...Array<string>(6).fill('0'),
    `${pages}`,
  ];
  return `${pid} (a) b) ${fields.join(' ')} 0 0`;
};
const system =
  (files: Readonly<Record<string, string>>): Read =>
  (path) =>
    files[path];
const group = '/sys/fs/cgroup/circusd/web';

describe('what processes use', () => {
  it('is the sum of what is resident and of processor time, with or without that of children that ended', () => {
    const read = system({ '/proc/1/stat': stat(1, 150, 50, 10), '/proc/2/stat': stat(2, 100, 0, 5) });
    assert.deepEqual(useOf([1, 2, 3], true, read), { seconds: 3, resident: 15 * 4096 });
    assert.deepEqual(useOf([1], false, read), { seconds: 1.5, resident: 10 * 4096 });
  });

  it('is shared among those who have it, unless one can not be seen', () => {
    const files = {
      '/proc/1/smaps_rollup': 'Rss: 9 kB\nPss:                 100 kB\nPss_Anon: 1 kB\n',
      '/proc/2/smaps_rollup': 'Pss: 50 kB\n',
    };
    assert.equal(shareOf([1, 2], system(files)), 150 * 1024);
    assert.equal(shareOf([1, 2, 3], system({ ...files, '/proc/3/status': 'State: Z (zombie)\n' })), 150 * 1024);
    assert.equal(shareOf([1, 2, 3], system({ ...files, '/proc/3/status': 'VmRSS: 1 kB\n' })), undefined);
  });

  it('is that of a control group which is its own and has a figure', () => {
    const files = {
      '/proc/1/cgroup': '0::/circusd/web\n',
      [`${group}/cgroup.procs`]: '1\n2\n',
      [`${group}/memory.current`]: '5000\n',
      [`${group}/memory.stat`]: 'anon 1\ninactive_file 2000\n',
    };
    assert.equal(groupOf([1, 2, 3], system(files)), group);
    assert.equal(memoryOf(group, system(files)), 3000);
    assert.equal(groupOf([1], system(files)), undefined, 'somebody else is in it');
    const { [`${group}/memory.current`]: _, ...without } = files;
    assert.equal(groupOf([1, 2], system(without)), undefined, 'no figure');
    assert.equal(groupOf([1], system({ '/proc/1/cgroup': '0::/\n' })), undefined, 'the whole machine');
  });

  it('is what the system tells of a process that lives', () => {
    const { seconds, resident } = useOf([process.pid], false);
    const { user, system } = process.cpuUsage();
    assert.ok(Math.abs(seconds - (user + system) / 1e6) < 1);
    assert.ok(Math.abs(resident - process.memoryUsage.rss()) < 64 * 2 ** 20);
    const share = shareOf([process.pid]) ?? 0;
    assert.ok(share > 2 ** 20 && share <= resident + 64 * 2 ** 20);
  });
});
