import assert from 'node:assert/strict';
import { readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';

const sleeper = (name: string, ...options: readonly string[]) =>
  `[watcher:${name}]\ncmd = /bin/sleep 600\n${options.join('\n')}\n`;

describe('limits in a real daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'these tests change users, so they need root');
  });

  const uidOf = (pid: number) => /^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const nobody = /^nobody:[^:]*:(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'))![1]!;

  it('leaves out what names nothing that there is, with its place and reason, and runs the others', async () => {
    const wrong = ['uid = nobdy', 'gid = nogrop', 'rlimit_nofiles = 5', 'rlimit_core = lots', 'cpu_affinity = 4096'];
    const ini = [...wrong.map((option, at) => sleeper(`w${at}`, option)), sleeper('good', 'uid = nobody')].join('');
    const file = temporary.write('a.ini', ini);
    const { code, stderr } = await runCircusd(['--check', file]);
    const lines = stderr.trim().split('\n');
    assert.equal(code, 1);
    const expected = [
      /a\.ini:3:7: "uid" must be a user of this machine, and is "nobdy" \(did you mean "nobody"\?\); \[watcher:w0\] is left out$/,
      /a\.ini:6:7: "gid" must be a group .*"nogroup".*\[watcher:w1\] is left out$/,
      /a\.ini:9:\d+: "rlimit_nofiles" names no limit \(did you mean "rlimit_nofile"\?\); \[watcher:w2\] is left out$/,
      /a\.ini:12:15: "rlimit_core" must be a whole number, .*"lots"; \[watcher:w3\] is left out$/,
      /a\.ini:15:16: "cpu_affinity" names processor 4096, and this machine has .*\[watcher:w4\] is left out$/,
    ];
    assert.equal(lines.length, expected.length, stderr);
    for (const [at, line] of lines.entries()) assert.match(line, expected[at]!);

    const daemon = await start(ini);
    assert.deepEqual(Object.keys(((await daemon.json('status')) as { readonly statuses: object }).statuses), ['good']);
    await eventually(async () => assert.equal(uidOf((await daemon.pids('good'))[0]!), nobody));
    assert.match(daemon.log, /"uid\\" must be a user of this machine/);
  });

  it('leaves out what needs a program that is not there, and runs the others', async () => {
    const folder = dirname(temporary.write('bin/README', ''));
    for (const tool of ['node', 'nice', 'sh', 'getent']) symlinkSync(join(toolFolder(tool), tool), join(folder, tool));
    const ini = sleeper('pinned', 'cpu_affinity = 0') + sleeper('nice', 'nice = 3') + sleeper('plain');
    const daemon = await start(ini, { env: { PATH: folder } });
    assert.match(
      daemon.log,
      /circus\.ini:\d+:16: .*"cpu_affinity\\" needs the program \\"taskset\\" \(package util-linux\), which is not in the PATH of circusd; \[watcher:pinned\] is left out/,
    );
    const { statuses } = (await daemon.json('status')) as { readonly statuses: object };
    assert.deepEqual(statuses, { nice: 'active', plain: 'active' });
  });

  it('keeps what a program preloads from the programs in front of it, which are still root', async () => {
    const daemon = await start(sleeper('web', 'uid = nobody', 'env.LD_PRELOAD = /nowhere/evil.so'));
    // Each program that would load it says that it can't.
    await eventually(() => assert.match(daemon.log, /'\/nowhere\/evil\.so' from LD_PRELOAD cannot be preloaded/));
    assert.equal(daemon.log.match(/from LD_PRELOAD cannot be preloaded/g)?.length, 1);
    const [pid] = await daemon.pids('web');
    await eventually(() => assert.match(readFileSync(`/proc/${pid}/environ`, 'utf8'), /(^|\0)LD_PRELOAD=/));
  });

  it('is loaded when a key of its own is set first', async () => {
    const daemon = await start(sleeper('plain'));
    const { code, stderr } = await daemon.ctl('set', 'plain', 'rlimit_nofile', '77', '--waiting');
    assert.deepEqual([code, stderr], [0, '']);
    // It is for processes to come.
    await daemon.ctl('reload', 'plain', '--waiting');
    const [pid] = await daemon.pids('plain');
    // The chain of tools comes before the program.
    await eventually(() => assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /^Max open files +77 +77 /m));
  });

  it('set: replaces processes for another user, and refuses one that there is not', async () => {
    const daemon = await start(sleeper('web', 'uid = daemon', 'rlimit_nofile = 100'));
    const [before] = await daemon.pids('web');
    const wrong = await daemon.ctl('set', 'web', 'uid', 'nobdy');
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /"uid" must be a user of this machine, and is "nobdy" \(did you mean "nobody"\?\)/);
    assert.deepEqual(await daemon.pids('web'), [before]);

    const set = await daemon.ctl('set', 'web', 'uid', 'nobody', '--waiting');
    assert.equal(set.code, 0, set.stderr);
    const [after] = await daemon.pids('web');
    assert.notEqual(after, before);
    assert.equal(uidOf(after!), nobody);

    const most = (pid: number) =>
      /^Max open files +(\d+) +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.slice(1);
    assert.equal((await daemon.ctl('set', 'web', 'rlimit_nofile', '90', '--waiting')).code, 0);
    assert.deepEqual([await daemon.pids('web'), most(after!)], [[after], ['100', '100']]);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    const [last] = await daemon.pids('web');
    assert.deepEqual(most(last!), ['90', '90']);
  });

  it('reloadconfig: a section that is wrong keeps its old form, and a right one is replaced', async () => {
    const daemon = await start(sleeper('a', 'uid = daemon') + sleeper('b', 'nice = 1'));
    const old = [...(await daemon.pids('a')), ...(await daemon.pids('b'))];
    const file = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(file, 'utf8').replace('uid = daemon', 'uid = deamon').replace('nice = 1', 'nice = 2');
    daemon.folder.write('circus.ini', text);
    await daemon.ctl('reloadconfig', '--waiting');
    await eventually(async () => {
      const [a] = await daemon.pids('a');
      const [b] = await daemon.pids('b');
      assert.deepEqual([a, readFileSync(`/proc/${b}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]], [old[0], '2']);
    });
    assert.match(
      daemon.log,
      /"uid\\" must be a user of this machine, and is \\"deamon\\" \(did you mean \\"daemon\\"\?\)/,
    );
  });
});

/** Where this machine has a program. */
function toolFolder(name: string): string {
  if (name === 'node') return dirname(process.execPath);
  return ['/usr/bin', '/bin'].find((folder) => readdirSync(folder).includes(name))!;
}
