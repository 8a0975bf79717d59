/** circusd's command line, as far as no daemon is left running by it. */
import assert from 'node:assert/strict';
import { readConfiguration } from '../../cli/config/build.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusd, linesOf } from './program.js';

const good = `[circus]
loglevel = warning

[socket:web]
port = 0

[socket:unix]
path = /tmp/none.sock

[watcher:one]
cmd = sleep 100 $(circus.sockets.web)
use_sockets = True
numprocesses = 3
graceful_timeout = 1.5
stop_signal = INT
working_dir = /tmp

[watcher:two]
cmd = sh
args = -c "echo 'a  b'; exit 3"
working_dir = /
flapping.attempts = 3

[watcher:three]
cmd = sleep 100
working_dir = /
copy_env = True

[env:two,three]
LETTERS = a b
`;

describe('the command line of circusd', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });

  it('--version prints the version', async () => {
    const { code, stdout } = await circusd(place(), '--version');
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\S*\n$/);
  });

  it('--help tells of each option and of the exit codes', async () => {
    const { code, stdout } = await circusd(place(), '--help');
    assert.equal(code, 0);
    for (const option of ['log-level', 'log-output', 'pidfile', 'daemon', 'check', 'strict', 'show-config', 'version'])
      assert.ok(stdout.includes(`--${option}`), option);
    assert.match(stdout, /Exit codes: 0 .* 1 .* 2 .* 4 /);
    assert.equal((await circusd(place(), '-h')).stdout, stdout);
  });

  it('wrong usage is said on the standard error, with exit code 2', async () => {
    folder.write('a.ini', good);
    const cases: readonly (readonly [RegExp, ...string[]])[] = [
      [/Usage: circusd/],
      [/--nonsense/, '--nonsense', 'a.ini'],
      [/--log-level.*"loud"/, '--log-level', 'loud', 'a.ini'],
      [/--log-format.*xml/, '--log-format', 'xml', 'a.ini'],
      [/too many arguments/, 'a.ini', 'b.ini'],
    ];
    for (const [message, ...args] of cases) {
      const { code, stdout, stderr } = await circusd(place(), ...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, message);
    }
  });

  it('levels may be written in capitals, as in Circus', async () => {
    folder.write('a.ini', good);
    assert.equal((await circusd(place(), '--log-level', 'WARNING', '--check', 'a.ini')).code, 0);
  });

  it('a file that is not there, or is a directory, is one line and exit code 1', async () => {
    for (const args of [[], ['--check'], ['--strict'], ['--show-config']]) {
      const missing = await circusd(place(), 'missing.ini', ...args);
      assert.equal(missing.code, 1);
      assert.equal(missing.stdout, '');
      assert.equal(missing.stderr, 'error: missing.ini:1:1: the configuration file "missing.ini" does not exist\n');
    }
    const directory = await circusd(place(), folder.path);
    assert.equal(directory.code, 1);
    assert.match(directory.stderr, /^error: .*is a directory, not a file\n$/);
  });

  it('--check says so when nothing is wrong', async () => {
    folder.write('a.ini', good);
    const { code, stdout, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.deepEqual([code, linesOf(stdout)[0], stderr], [0, 'a.ini: nothing is wrong', '']);
  });

  it('--check tells once where a file without endpoint is reached, and how to have the ports of Circus', async () => {
    const notice = async (ini: string, ...args: readonly string[]) => {
      folder.write('a.ini', ini);
      return linesOf((await circusd(place(), '--check', 'a.ini', ...args)).stdout).slice(1);
    };
    const told = await notice(good);
    assert.deepEqual(told, [
      `notice: a.ini names no endpoint, so commands are taken on ipc://${folder.path}/run/control.sock; ` +
        `"endpoints = circus" in [circus] opens Circus's ports`,
    ]);
    assert.deepEqual(await notice(good, '--circus-endpoints'), []);
    for (const line of ['endpoints = circus', 'endpoints = unix', 'endpoint = ipc://x', 'endpoint ='])
      assert.deepEqual(await notice(`[circus]\n${line}\n${good}`), [], line);
  });

  it('refuses a word for endpoints that it does not know', async () => {
    folder.write('a.ini', `[circus]\nendpoints = tcp\n${good}`);
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.deepEqual(
      [code, stderr],
      [1, 'error: a.ini:2:13: "endpoints" must be circus or unix, and is "tcp"; it is left out\n'],
    );
  });

  it('--check tells all problems, in the order of the file, and starts nothing', async () => {
    folder.write(
      'a.ini',
      '[watcher:a]\nnumprocesses = x\n[watcher:b]\ncmd = touch started\nmax_retry = y\n[wacher:c]\n',
    );
    const { code, stdout, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.deepEqual([code, stdout], [1, '']);
    const lines = linesOf(stderr);
    assert.ok(
      lines.every((line) => /^error: a\.ini:\d+:\d+: \S/.test(line)),
      stderr,
    );
    assert.deepEqual(
      lines.map((line) => Number(line.split(':')[2])),
      [1, 2, 5, 6],
    );
  });

  it('--strict refuses to start when anything is wrong', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 100\n[watcher:b]\nnumprocesses = x\ncmd = sleep 100\n');
    const { code, stderr } = await circusd(place(), '--strict', 'a.ini');
    assert.equal(code, 1);
    assert.match(stderr, /^error: a\.ini:4:\d+: "numprocesses".*"x"; \[watcher:b\] is left out\n$/);
  });

  it('--show-config prints what is read again as the same', async () => {
    const file = folder.write('a.ini', good);
    const { code, stdout, stderr } = await circusd(place(), '--show-config', file);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^\[plugin:flapping\]$/m);
    const again = folder.write('b.ini', stdout);
    const [first, second] = [file, again].map((path) => readConfiguration(path, process.env));
    const specs = ({ watchers, sockets }: NonNullable<typeof first>) =>
      [watchers, sockets].map((all) => all.map(({ spec }) => spec));
    assert.deepEqual(specs(second!), specs(first!));
    assert.equal((await circusd(place(), '--check', 'b.ini')).code, 0);
  });

  it('--show-config NAME prints one section', async () => {
    folder.write('a.ini', good);
    for (const name of ['one', 'watcher:one']) {
      const { code, stdout } = await circusd(place(), 'a.ini', '--show-config', name);
      assert.equal(code, 0);
      assert.deepEqual(stdout.match(/^\[.*\]$/gm), ['[watcher:one]']);
    }
  });

  it('--show-config NAME says so when there is no such section', async () => {
    folder.write('a.ini', good);
    for (const [name, meant] of [
      ['watcher:tow', ' (did you mean "watcher:two"?)'],
      ['thre', ' (did you mean "three"?)'],
      ['nothing-like-it', ''],
    ] as const) {
      const { code, stdout, stderr } = await circusd(place(), 'a.ini', '--show-config', name);
      assert.deepEqual([code, stdout], [1, '']);
      assert.equal(stderr, `error: there is no section "${name}" in effect${meant}\n`);
    }
  });

  it('--show-config --as-read prints the sections as they were read', async () => {
    folder.write('a.ini', good);
    const { code, stdout } = await circusd(place(), 'a.ini', '--show-config', '--as-read');
    assert.equal(code, 0);
    const { sections } = JSON.parse(stdout) as { sections: Record<string, Record<string, string>> };
    assert.equal(sections['watcher:one']?.['stop_signal'], 'INT');
    assert.equal(sections['watcher:two']?.['args'], `-c "echo 'a  b'; exit 3"`);
  });
});
