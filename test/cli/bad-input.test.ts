/** What is wrong in a configuration: one line each, with the place, and what is right runs all the same. */
import assert from 'node:assert/strict';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd, daemonPerTest, linesOf } from './program.js';

/** Configurations with one fault each: what `--check` says about it, `file:line:column: ...`, and its exit code. */
const faults: readonly (readonly [string, string, RegExp, number])[] = [
  ['an unknown section', '[wathcer:a]\ncmd = sleep 1\n', /^error: a\.ini:1:1: \[wathcer:a\].*\[watcher:a\]\?/, 1],
  [
    'an unknown key',
    '[watcher:a]\ncmd = sleep 1\nnumproceses = 2\n',
    /^\w+: a\.ini:3:1: "numproceses".*"numprocesses"\?/,
    1,
  ],
  ['an unknown key of the daemon', '[circus]\nendpiont = x\n', /^\w+: a\.ini:2:1: "endpiont".*"endpoint"\?/, 1],
  [
    'a wrong type',
    '[watcher:a]\ncmd = sleep 1\nnumprocesses = many\n',
    /^error: a\.ini:3:16: "numprocesses".*"many".*left out$/,
    1,
  ],
  ['a wrong type in a socket', '[socket:a]\nport = 99999\n', /^error: a\.ini:2:8: "port".*65535.*left out$/, 1],
  ['a watcher without a command', '[watcher:a]\nnumprocesses = 1\n', /^error: a\.ini:1:1: watcher "a" has no "cmd"/, 1],
  [
    'a socket that is not there',
    '[socket:web]\nport = 0\n[watcher:a]\ncmd = x $(circus.sockets.wbe)\n',
    /^error: a\.ini:4:7: "cmd".*"wbe".*"web"\?/,
    1,
  ],
  ['a line without a sense', '[watcher:a]\ncmd = sleep 1\nnonsense\n', /^error: a\.ini:3:1: "nonsense" has neither/, 1],
  [
    'an include that matches nothing',
    '[circus]\ninclude = no*.ini\n',
    /^warning: a\.ini:2:11: "no\*\.ini" matches no file/,
    0,
  ],
  [
    'an included file that is not there',
    '[circus]\ninclude = no.ini\n',
    /^error: a\.ini:2:11: there is no file "no\.ini"/,
    1,
  ],
  [
    'an unknown plugin',
    '[plugin:x]\nuse = no-such\n',
    /^error: a\.ini:2:7: plugin "no-such" is neither.*\[plugin:x\] is left out$/,
    1,
  ],
  ['a plugin with a near name', '[plugin:x]\nuse = flaping\n', /^error: a\.ini:2:7: plugin "flaping".*"flapping"\?/, 1],
  [
    'a key near one that is there and one that is not',
    '[socket:a]\nport = 0\nprot = tcp\n',
    /^\w+: a\.ini:3:1: "prot".*"proto"\?/,
    1,
  ],
  [
    'a signal that is none',
    '[watcher:a]\ncmd = sleep 1\nstop_signal = SIGTREM\n',
    /^error: a\.ini:3:15: .*"SIGTREM" \(did you mean "SIGTERM"\?\)/,
    1,
  ],
  [
    'a truth that is none',
    '[watcher:a]\ncmd = sleep 1\ncopy_env = maybe\n',
    /true or false \(also yes, no, on, off/,
    1,
  ],
  [
    'a mask that is none',
    '[circus]\numask = 999\n',
    /^error: a\.ini:2:9: "umask" must be octal .*"999"; it is left out$/,
    1,
  ],
  [
    'a file of a plugin that is not there',
    '[plugin:x]\nuse = ./nope.js\n',
    /plugin "\.\/nope\.js": there is no file \/.*\/nope\.js; \[plugin:x\] is left out$/,
    1,
  ],
  ['a plugin that is not named', '[plugin:x]\nfoo = 1\n', /^error: a\.ini:1:1: \[plugin:x\] has no "use"/, 1],
  [
    'a plugin with a bad option',
    '[plugin:f]\nuse = flapping\nwindow = x\n',
    /^error: a\.ini:3:10: option "window" of plugin "f": "x" is not a number of seconds; \[plugin:f\] is left out$/,
    1,
  ],
  [
    'a plugin with an unknown option',
    '[plugin:f]\nuse = flapping\nwindw = 1\n',
    /^error: a\.ini:3:9: option "windw" of plugin "f": there is no such option \(did you mean "window"\?\); \[plugin:f\] is left out$/,
    1,
  ],
];

describe('a configuration with a fault', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();

  for (const [title, ini, line, exit] of faults) {
    it(`${title} is one line with its place`, async () => {
      folder.write('a.ini', ini);
      const { code, stderr } = await circusd(place(), '--check', 'a.ini');
      assert.equal(linesOf(stderr).length, 1, stderr);
      assert.match(stderr.trimEnd(), line);
      assert.equal(code, exit);
    });
  }

  it('an error of syntax in a module is told with its file and line', async () => {
    folder.write('bad.mjs', 'export const a = 1;\nexport const b = ];\n');
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 1\nhooks.before_start = ./bad.mjs\n[plugin:b]\nuse = ./bad.mjs\n');
    const { stderr } = await circusd(place(), '--check', 'a.ini');
    assert.equal(linesOf(stderr).length, 2, stderr);
    for (const line of linesOf(stderr))
      assert.match(line, /SyntaxError: Unexpected token '\]' \(\/.*\/bad\.mjs:2\); \[/);
  });

  it('one error of a watcher hides no other', async () => {
    const wrong = [
      'cdm = sleep 1',
      'uid = no-such-user',
      'rlimit_nofile = lots',
      'max_age = soon',
      'on_demand = perhaps',
    ];
    folder.write('a.ini', `[watcher:a]\n${wrong.join('\n')}\nworking_dir = /no/where\n`);
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    const lines = linesOf(stderr).map((text) => Number(/a\.ini:(\d+):/.exec(text)?.[1]));
    assert.deepEqual([lines, code], [[1, 2, 3, 4, 5, 6, 7], 1], stderr);
  });

  it('keys of a process in a plugin section are told one by one, as Circus had them there, and it is used', async () => {
    const keys = ['singleton = True', 'copy_env = True', 'rlimit_nofile = 9', 'stdout_stream.class = FileStream'];
    folder.write('a.ini', `[plugin:f]\nuse = flapping\n${keys.join('\n')}\n`);
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.equal(code, 0);
    const told = linesOf(stderr).map((line) =>
      /^warning: a\.ini:(\d):\d+: "([\w.]+)" has no effect/.exec(line)?.slice(1),
    );
    assert.deepEqual(
      told,
      keys.map((key, at) => [String(at + 3), key.split(' ')[0]]),
    );
  });

  it('one bad watcher does not stop the others, and is told of in one line', async () => {
    folder.write(
      'a.ini',
      '[watcher:good]\ncmd = sleep 100\n[watcher:bad]\ncmd = sleep 100\nmax_retry = soon\n[watcher:fine]\ncmd = sleep 100\n',
    );
    const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'good started');
    await daemon.says('fine started');
    const told = linesOf(daemon.output).filter((text) => text.includes('bad'));
    assert.equal(told.length, 1, daemon.output);
    assert.match(told[0]!, /\[ERROR\] a\.ini:5:13: "max_retry".*"soon".*\[watcher:bad\] is left out$/);
    const [fine, good, wrong, ...more] = linesOf((await circusctl(place(), 'status')).stdout);
    assert.deepEqual([fine, good, more], ['fine: active', 'good: active', []]);
    assert.match(wrong!, /^wrong: error: a\.ini:5:13: "max_retry".*\[watcher:bad\] is left out$/);
    assert.equal(await daemon.stop(), 0);
    assert.equal((await circusd(place(), '--check', 'a.ini')).code, 1);
  });

  it('a watcher that cannot be started is told of, and the others run', async () => {
    folder.write('a.ini', '[watcher:good]\ncmd = sleep 100\n[watcher:lost]\ncmd = no-such-program\nmax_retry = 1\n');
    const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'good started');
    await daemon.says('no-such-program');
    const { stdout } = await circusctl(place(), 'status', 'good');
    assert.equal(stdout, 'active\n');
    assert.equal(await daemon.stop(), 0);
  });

  it('a plugin with a bad option is left out, and the rest runs', async () => {
    folder.write('a.ini', '[watcher:good]\ncmd = sleep 100\n[plugin:flapping]\nuse = flapping\nattempts = x\n');
    const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'good started');
    const told = linesOf(daemon.output).filter((text) => text.includes('flapping'));
    assert.equal(told.length, 1, daemon.output);
    assert.match(told[0]!, /\[ERROR\] a\.ini:5:12: option "attempts"/);
  });

  it('keys of plugins that are not there yet warn once for each plugin, and fail nothing', async () => {
    folder.write(
      'a.ini',
      `[circus]
httpd = True
httpd_port = 8999
stats_endpoint = tcp://127.0.0.1:9
[watcher:a]
cmd = sleep 100
stdout_stream.class = FileStream
stdout_stream.filename = a.log
[watcher:b]
cmd = sleep 100
stdout_stream.class = FileStream
`,
    );
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.equal(code, 0, stderr);
    const plugins = linesOf(stderr).map((text) => /^warning: a\.ini:(\d+):1: .* plugin "([\w-]+)", which/.exec(text));
    assert.deepEqual(
      plugins.map((found) => found?.slice(1)),
      [
        ['2', 'httpd'],
        ['4', 'stats'],
        ['7', 'streams'],
      ],
      stderr,
    );
    const daemon = await start(place(), ['a.ini'], 'b started');
    assert.equal(await daemon.stop(), 0);
  });

  it('a watcher with a user waits while nothing can change the user', async () => {
    const broken = '[plugin:limits]\nuse = limits\nnope = 1\n';
    folder.write('a.ini', `[watcher:other]\ncmd = touch ran\nuid = nobody\n[watcher:good]\ncmd = sleep 100\n${broken}`);
    const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'good started');
    assert.match(
      daemon.output,
      /\[ERROR\] a\.ini:8:8: option "nope" of plugin "limits": .*; \[plugin:limits\] is left out/,
    );
    assert.match(daemon.output, /\[WARNING\] other is waiting: .*"limits"/);
    const { stdout } = await circusctl(place(), '--json', 'status', 'other');
    const { state, reason } = JSON.parse(stdout) as { state: string; reason: string };
    assert.equal(state, 'waiting');
    assert.match(reason, /"limits"/);
    assert.equal((await circusctl(place(), 'list', 'other')).stdout.trim(), '');
    const restarted = await circusctl(place(), 'restart', 'other', '--waiting');
    assert.deepEqual([restarted.code, /"limits"/.test(restarted.stderr)], [3, true], restarted.stderr);
    assert.equal((await circusctl(place(), 'numprocesses', 'other')).stdout.trim(), '0');
    assert.equal(await daemon.stop(), 0);
  });
});
