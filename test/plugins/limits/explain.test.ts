import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { splitWords } from '#core';
import { eventually } from '../../support/eventually.js';
import { run } from '../../support/run.js';
import type { Circusd } from '../../support/circusd.js';
import { daemonPerTest } from '../daemon.js';

interface Words {
  readonly wid: number;
  readonly chain: readonly (readonly string[])[];
  readonly command: string;
}
interface Explanation {
  readonly processes: readonly (Words & { readonly pid: number })[];
  readonly would_run: (Words & { readonly error?: string }) | null;
}

const limited =
  'uid = nobody\nnice = 5\nrlimit_nofile = 64:128\numask = 027\nsched = batch\ncpu_affinity = 0\nionice = idle';

describe('the command line that circusctl explain shows', () => {
  const start = daemonPerTest();
  before('be root', () => {
    assert.equal(process.getuid?.(), 0, 'these tests change users, so they need root');
  });
  const explain = async (daemon: Circusd, ...words: readonly string[]) =>
    (await daemon.json('explain', ...words)) as Explanation;
  /** The same, once so many processes run. */
  const running = (daemon: Circusd, count: number, name: string) =>
    eventually(async () => {
      const explanation = await explain(daemon, name);
      assert.equal(explanation.processes.length, count);
      return explanation;
    });

  it('is the chain that was run and the command behind it, quoted for a shell', async () => {
    const daemon = await start(`[watcher:web]\ncmd = /bin/sleep 600 '0.5'\nenv.A = b\n${limited}\n`);
    const [{ pid, chain, command }] = (await running(daemon, 1, 'web')).processes as [Explanation['processes'][0]];
    assert.deepEqual(
      chain.map(([program = '']) => program.split('/').at(-1)),
      ['sh', 'prlimit', 'ionice', 'chrt', 'nice', 'taskset', 'setpriv'],
    );
    const own = () => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    // The chain comes before the program.
    await eventually(() => assert.deepEqual(splitWords(command), [...chain.flat(), ...own()]));
    assert.deepEqual(own(), ['/bin/sleep', '600', '0.5']);
    const { stdout } = await daemon.ctl('explain', 'web');
    assert.ok(stdout.split('\n').includes(`Command line: ${command}`), stdout);
  });

  it('does in a shell what the watcher would do, where nothing runs', async () => {
    const cmd = `sh -c 'id -un; ulimit -Sn; umask; nice; echo "$0"' 'it"s $HOME'`;
    const daemon = await start(`[watcher:web]\ncmd = ${cmd}\ncopy_env = True\nautostart = False\n${limited}\n`);
    const { processes, would_run } = await explain(daemon, 'web');
    assert.equal(processes.length, 0);
    const { stdout } = await run('sh', ['-c', would_run!.command]);
    assert.equal(stdout, 'nobody\n64\n0027\n5\nit"s $HOME\n');
    const text = (await daemon.ctl('explain', 'web')).stdout;
    assert.ok(text.endsWith(`\nA start would run: ${would_run!.command}\n`), text);
    await daemon.ctl('start', 'web', '--waiting');
    await eventually(() => assert.ok(daemon.log.includes('it"s $HOME')));
  });

  it('is that of each place, or of the process that is asked for', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600 0.$(circus.wid)\nnumprocesses = 2\nnice = 1\n');
    const told = (text: string) =>
      [...text.matchAll(/^Command line of place (\d): .* -n 1 \S+\/sleep 600 0\.(\d)$/gm)].map(([, place, wid]) => [
        place,
        wid,
      ]);
    const { processes } = await running(daemon, 2, 'web');
    // The chain comes before the program.
    await eventually(async () => {
      const { stdout, stderr } = await daemon.ctl('explain', 'web');
      const places = [
        ['1', '1'],
        ['2', '2'],
      ];
      assert.deepEqual(told(stdout), places, stdout + stderr);
    });
    const { pid } = processes.find(({ wid }) => wid === 2)!;
    assert.match((await daemon.ctl('explain', 'web', String(pid))).stdout, /^Command line: .*\/sleep 600 0\.2$/m);
    assert.equal((await explain(daemon, 'web', String(pid))).processes.length, 1);
  });

  it('stays that of the process when the limits were changed since, and tells of it after the next start', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\nrlimit_nofile = 70\nready_after = 0\n');
    const command = async () => (await running(daemon, 1, 'web')).processes[0]!.command;
    assert.match(await command(), /--nofile=70 /);
    await daemon.ctl('set', 'web', 'rlimit_nofile', '80', '--waiting');
    assert.match(await command(), /--nofile=70 /);
    await daemon.ctl('reload', 'web', '--waiting');
    assert.match(await command(), /--nofile=80 /);
  });

  it('has no secrets in it, whatever becomes of them in it', async () => {
    // A shell's rules take it apart, and its quotes away.
    const secret = `first sec\\ ond 'th"ird'`;
    const daemon = await start(
      `[watcher:words]\ncmd = sleep 600\nargs = 0.$(circus.wid) --help$(circus.env.key)\nsecret.KEY = key\nrespawn = False
[watcher:shell]\ncmd = sleep $(circus.env.key)\nshell = True\nsecret.KEY = key\nautostart = False
[watcher:torn]\ncmd = sleep "$(circus.env.key)\nsecret.KEY = key\nautostart = False
[watcher:chain]\ncmd = sleep 600\nuid = nobody\nsecret.LD_KEY = key\n`,
      { files: { key: secret } },
    );
    const expected = {
      words: /^A start would run: \S+\/sleep 600 0\.1 '--help\*\*\*'$/m,
      shell: /^A start would run: \/bin\/sh -c 'sleep '"'"'\*\*\*'"'"''$/m,
      torn: /^A start would fail: the quotes in .*\*\*\*.* are not balanced/m,
      chain: /^Command line: .*\/env 'LD_KEY=\*\*\*' .*\/sleep 600$/m,
    };
    await running(daemon, 0, 'words');
    await running(daemon, 1, 'chain');
    for (const [name, line] of Object.entries(expected)) {
      const { stdout: text } = await daemon.ctl('explain', name);
      assert.match(text, line);
      const json = JSON.stringify(await explain(daemon, name));
      for (const piece of ['first', 'ond', 'th"ird', 'th\\"ird'])
        assert.ok(!text.includes(piece) && !json.includes(piece), `${name}: ${text}${json}`);
    }
  });

  it('is the reason instead where a start would fail', async () => {
    const daemon = await start('[watcher:web]\ncmd = no-such-program\nnice = 3\nautostart = False\n');
    const { would_run } = await explain(daemon, 'web');
    assert.match(would_run!.error!, /^program "no-such-program" was not found/);
    assert.match(
      (await daemon.ctl('explain', 'web')).stdout,
      /\nA start would fail: program "no-such-program" was not found/,
    );
  });
});
