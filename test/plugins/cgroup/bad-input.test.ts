import assert from 'node:assert/strict';
import { join } from 'node:path';
import { runCircusd } from '../../support/circusd.js';
import { program } from '../../support/paths.js';
import { run } from '../../support/run.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';
import { pidsOf } from './daemons.js';
import { hierarchyForAll } from './hierarchy.js';

describe('bad input about control groups', () => {
  const hierarchy = hierarchyForAll();
  const start = daemonPerTest();
  const temporary = temporaryPerTest();

  it('is told with its place, and leaves out the watcher that has it', async () => {
    const lines = [
      ['memory_max = lots', '"cgroup.memory_max" must be a size such as 500M, or max, and is "lots"'],
      ['memory_high = 500', '"cgroup.memory_high" must be at least 1M, and is "500"'],
      [
        'memory_max = 9999999999999999999P',
        '"cgroup.memory_max" must be less than 8P, or max, and is "9999999999999999999P"',
      ],
      ['memory_high = 8P', '"cgroup.memory_high" must be less than 8P, or max, and is "8P"'],
      [
        'cpu_max = 99999999999999999999',
        '"cgroup.cpu_max" must be at most 8192 processors, or max, and is "99999999999999999999"',
      ],
      ['cpu_max = 0', '"cgroup.cpu_max" must be at least 1%, and is "0"'],
      [
        'cpu_max = half',
        '"cgroup.cpu_max" must be a share such as 50%, a number of processors such as 1.5, or max, and is "half"',
      ],
      ['cpu_weight = 10001', '"cgroup.cpu_weight" must be a whole number from 1 to 10000, and is "10001"'],
      ['pids_max = -3', '"cgroup.pids_max" must be a whole number from 1 to 4194304, or max, and is "-3"'],
      ['memory_mx = 5M', '"cgroup.memory_mx" is no option (did you mean "cgroup.memory_max"?)'],
      ['root = /', '"cgroup.root" is for all watchers: it belongs in [plugin:cgroup]'],
      ['active = perhaps', '"cgroup.active" must be true or false, and is "perhaps"'],
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
      const [command, ...more] = [...words, process.execPath, program('circusd'), '--check', file];
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
