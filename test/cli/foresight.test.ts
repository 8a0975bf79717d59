/** What `--check` finds missing on this machine, and what can't be right wherever it is. */
import assert from 'node:assert/strict';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd, daemonPerTest, linesOf } from './program.js';

/** Configurations with one fault each, and what `--check` says about it: `file:line:column: ...`. */
const faults: readonly (readonly [string, string, RegExp])[] = [
  [
    'a program that is not there',
    '[watcher:a]\ncmd = no-such-program -v\n',
    /^warning: a\.ini:2:7: "cmd" can't be started: program "no-such-program" was not found in the default path/,
  ],
  [
    'a program that is not executable',
    '[watcher:a]\ncmd = ./a.ini\n',
    /^warning: a\.ini:2:7: "cmd" names the program ".*\/a\.ini", which is not executable$/,
  ],
  [
    'a path of a program that is not there',
    '[watcher:a]\nworking_dir = /usr\ncmd = no/program\n',
    /^warning: a\.ini:3:7: "cmd" names the program "\/usr\/no\/program", which is not there$/,
  ],
  [
    'a program that is not in the PATH of its process',
    '[watcher:a]\ncmd = sleep 1\nenv.PATH = /nowhere\n',
    /^warning: a\.ini:2:7: "cmd" can't be started: program "sleep" was not found in PATH$/,
  ],
  [
    'an executable that is not there',
    '[watcher:a]\ncmd = web\nexecutable = /no/web\n',
    /^warning: a\.ini:3:14: "executable" names the program "\/no\/web", which is not there$/,
  ],
  [
    'a folder to work in that is not there',
    '[watcher:a]\nworking_dir = /no/where\ncmd = ./x\n',
    /^warning: a\.ini:2:15: "working_dir" names the folder "\/no\/where", which is not there$/,
  ],
  [
    'a command with a quote too few',
    '[watcher:a]\ncmd = echo "hello\n',
    /^error: a\.ini:2:7: the quotes in "cmd" are not balanced; \[watcher:a\] is left out$/,
  ],
  [
    'a second socket of one address',
    '[socket:a]\nhost = 0.0.0.0\nport = 81\n[socket:b]\nhost =\nport = 81\n',
    /^error: a\.ini:6:8: socket "b" has the same address as \[socket:a\] \(a\.ini:1\); \[socket:b\] is left out$/,
  ],
  [
    'a second socket of one file',
    '[socket:a]\npath = ./s\n[socket:b]\npath = s\n',
    /^error: a\.ini:4:8: socket "b" has the same address as \[socket:a\]/,
  ],
  [
    'a socket in a folder that is not there',
    '[socket:a]\npath = /no/s\n',
    /^warning: a\.ini:2:8: "path" names the folder "\/no", which is not there$/,
  ],
  [
    'a log in a folder that is not there',
    '[circus]\nlogoutput = no/log\n',
    /^warning: a\.ini:2:13: "logoutput" names the folder ".*\/no", which is not there$/,
  ],
  [
    'a pidfile in a folder that is not there',
    '[circus]\npidfile = no/pid\n',
    /^warning: a\.ini:2:11: "pidfile" names the folder ".*\/no", which is not there$/,
  ],
];

describe('the check of a configuration', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();

  for (const [title, ini, line] of faults) {
    it(`tells of ${title}`, async () => {
      folder.write('a.ini', ini);
      const { code, stderr } = await circusd(place(), '--check', 'a.ini');
      assert.equal(linesOf(stderr).length, 1, stderr);
      assert.match(stderr.trimEnd(), line);
      // What is not on this machine may be on the one that the file is for.
      assert.equal(code, stderr.startsWith('warning: ') ? 0 : 1);
    });
  }

  it('is silent on what nobody can know before a start, and on what two sockets may share', async () => {
    const watchers = [
      'cmd = no-such-program\nshell = true',
      'cmd = no-$(circus.wid)\nworking_dir = /no/$(circus.wid)',
      'cmd = $(circus.env.unset)/program',
      'cmd = sleep 1\nenv.PATH = $(circus.env.path):$(circus.wid)',
    ];
    const sockets = ['port = 0', 'port = 0', 'port = 81\nso_reuseport = 1', 'port = 81\nso_reuseport = 1'];
    const sections = [
      ...watchers.map((text, at) => `[watcher:${at}]\n${text}\n`),
      ...sockets.map((text, at) => `[socket:${at}]\n${text}\n`),
    ];
    folder.write('a.ini', sections.join(''));
    const { code, stderr } = await circusd(place(), '--check', 'a.ini');
    assert.deepEqual([stderr, code], ['', 0]);
  });

  it('is made by a plan too, and not by a start', async () => {
    folder.write('a.ini', '[watcher:good]\ncmd = sleep 100\n[watcher:later]\ncmd = no-such\nautostart = false\n');
    const daemon = await start(place(), ['--strict', 'a.ini'], 'good started');
    assert.doesNotMatch(daemon.output, /can't be started/);
    const { stdout } = await circusctl(place(), 'plan');
    assert.match(stdout, /^wrong: warning: a\.ini:4:7: "cmd" can't be started/m);
    assert.equal(await daemon.stop(), 0);
  });
});
