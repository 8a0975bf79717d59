import assert from 'node:assert/strict';
import { buildConfiguration, type Configuration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import type { KnownKeys } from '../../../cli/config/options.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const build = (text: string, daemon: Record<string, string> = {}, known?: KnownKeys): Configuration =>
  buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), daemon, known);
const problems = (text: string, daemon = {}, known?: KnownKeys): string[] =>
  build(text, daemon, known).problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
describe('a configuration', () => {
  it('has the options of [circus] that were written, converted', () => {
    const text = '[circus]\ncheck_delay = 2.5\numask = 022\nhttpd = yes\nstatsd = off\ndebug = True\nendpoint =';
    assert.deepEqual(build(text).circus, {
      warmup_delay: 0,
      check_delay: 2.5,
      umask: 18,
      httpd: true,
      statsd: false,
      debug: true,
      endpoint: '',
    });
    assert.deepEqual(build('').circus, { warmup_delay: 0 });
  });

  it('has watchers, sockets and plugins sorted by code point, each with its origin', () => {
    const text =
      '[watcher:b]\ncmd = 1\n[watcher:a]\ncmd = 1\n[watcher:B]\n[watcher:A2]\ncmd = 1\n' +
      '[socket:Y]\nport = 1\n[socket:x]\nport = 2\n[plugin:q]\nuse = u\n[plugin:p]\nuse = u';
    const { watchers, sockets, plugins } = build(text);
    assert.deepEqual(
      watchers.map(({ spec, origin }) => [spec.name, origin.line]),
      [
        ['A2', 6],
        ['a', 3],
        ['b', 1],
      ],
    );
    assert.deepEqual(
      sockets.map(({ spec }) => spec.name),
      ['x', 'y'],
    );
    assert.deepEqual(
      plugins.map(({ name }) => name),
      ['p', 'q'],
    );
  });

  it('leaves out a section with an error and keeps the others', () => {
    const text = '[watcher:a]\ncmd = a\nnumprocesses = many\n[watcher:b]\ncmd = b\n{% oops %}\n[watcher:c]\ncmd = c';
    const { watchers } = build(text);
    assert.deepEqual(
      watchers.map(({ spec }) => spec.name),
      ['c'],
    );
    assert.deepEqual(problems(text), [
      'error a.ini:3:16: "numprocesses" must be a whole number, "cpus" or "cpus-1", and is "many"; [watcher:a] is left out',
      'error a.ini:6:1: "{% oops %}" has neither "=" nor ":" and cannot be read; [watcher:b] is left out',
    ]);
  });

  it('names the variable that has no value when a number is missing for that', () => {
    assert.deepEqual(problems('[circus]\ncheck_delay = $(circus.env.DELAY)'), [
      'error a.ini:2:15: "check_delay" must be a number of seconds, or a time such as 1h30m, and is "$(circus.env.DELAY)", because no variable "DELAY" is set; it is left out',
    ]);
  });

  it('tells of sections of an unknown kind, and what was probably meant', () => {
    assert.deepEqual(problems('[wacher:web]\ncmd = x\n[watcher]\ncmd = x\n[Circus]\na = 1\n[logging]\na = 1'), [
      'error a.ini:1:1: [wacher:web] is no kind of section that is known (did you mean [watcher:web]?) and is ignored',
      'error a.ini:3:1: [watcher] is no kind of section that is known (did you mean [watcher:NAME]?) and is ignored',
      'error a.ini:5:1: [Circus] is no kind of section that is known (did you mean [circus]?) and is ignored',
      'error a.ini:7:1: [logging] is no kind of section that is known and is ignored',
    ]);
  });

  it('refuses a watcher whose user or group is written in another case: it would run with all rights', () => {
    for (const [key, meant] of [
      ['UID', 'uid'],
      ['Gid', 'gid'],
    ] as const) {
      const text = `[watcher:w]\ncmd = x\n${key} = nobody`;
      assert.equal(build(text).watchers.length, 0);
      assert.deepEqual(problems(text), [
        `error a.ini:3:1: "${key}" means nothing as it is written: it must be "${meant}"; [watcher:w] is left out`,
      ]);
    }
  });

  it('tells of unknown keys, and what was probably meant', () => {
    const text = '[circus]\nhttp = 1\nfoo = 1\n[socket:s]\nprot = 1\n[watcher:w]\ncmd = x\nnumproceses = 2\nmine = 3';
    assert.deepEqual(problems(text), [
      'warning a.ini:2:1: "http" is not an option of [circus] (did you mean "httpd"?) and is ignored',
      'warning a.ini:3:1: "foo" is not an option of [circus] and is ignored',
      'warning a.ini:5:1: "prot" is not an option of a socket (did you mean "port"?) and is ignored',
      'warning a.ini:8:1: "numproceses" is not an option of a watcher (did you mean "numprocesses"?)' +
        ' and is kept as text that only plugins and clients can read',
      'warning a.ini:9:1: "mine" is not an option of a watcher and is kept as text that only plugins and clients can read',
    ]);
  });

  it('tells of keys that Circus accepts too and that do nothing', () => {
    assert.deepEqual(problems('[circus]\ndebug_gc = 1'), [
      'warning a.ini:2:1: "debug_gc" is accepted for compatibility and has no effect',
    ]);
  });

  it('knows the keys and sections that other plugins own', () => {
    const text = '[watcher:w]\ncmd = x\ncolour.fg = red\nshape = round\n[tunnel:db]\nto = $(circus.env.HOST)';
    const known = { keys: ['colour.*', 'shape'], sections: ['tunnel'] };
    assert.deepEqual(problems(text, {}, known), []);
    assert.deepEqual(build(text, { HOST: 'h' }, known).sections, [
      {
        kind: 'tunnel',
        name: 'db',
        options: { to: 'h' },
        origin: { section: 'tunnel:db', file: 'a.ini', line: 5 },
        origins: { to: { file: 'a.ini', line: 6, column: 6 } },
      },
    ]);
  });

  it('gives the options of [DEFAULT] to every section without a word about those that do not fit', () => {
    const text =
      '[DEFAULT]\ncopy_env = yes\n[socket:s]\nport = 1\n[watcher:w]\ncmd = x\n[watcher:v]\ncmd = y\ncopy_env = no';
    assert.deepEqual(problems(text), []);
    assert.deepEqual(
      build(text).watchers.map(({ spec }) => spec.copy_env),
      [false, true],
    );
  });
});

describe('a socket section', () => {
  it('becomes a spec with a lower-case name', () => {
    const [first] = build('[socket:Web]\nhost = $(circus.env.H)\nport = 80\nso_reuseport = yes\nfamily = af_inet6', {
      H: '::1',
    }).sockets;
    assert.deepEqual(first?.spec, {
      name: 'web',
      family: 'AF_INET6',
      type: 'SOCK_STREAM',
      proto: null,
      host: '::1',
      port: 80,
      path: null,
      backlog: 2048,
      umask: 8,
      owner: null,
      group: null,
      replace: false,
      so_reuseport: true,
      blocking: false,
      interface: null,
    });
  });

  it('is a Unix socket when it has a path, whatever else it says', () => {
    const text = '[socket:s]\npath = /run/s\nfamily = AF_INET\nport = 1\numask = 022';
    const [first] = build(text).sockets;
    assert.deepEqual([first?.spec.family, first?.spec.path, first?.spec.umask], ['AF_UNIX', '/run/s', 22]);
    assert.deepEqual(problems(text), [
      'warning a.ini:4:8: "port" has no effect, because "path" makes this a Unix socket',
      'warning a.ini:5:9: "umask" of a socket is read as a decimal number, so 022 means octal 26',
    ]);
  });

  it('is refused when an earlier one has the same name', () => {
    assert.equal(build('[socket:a]\nport = 1\n[socket:A]\nport = 2').sockets.length, 1);
  });
});

describe('a plugin section', () => {
  it('has options as text, filled in, each with its place', () => {
    const [first] = build('[plugin:p]\nuse = flapping\npriority = 3\nwindow = $(circus.env.W)\nactive = false', {
      W: '5',
    }).plugins;
    assert.deepEqual(first, {
      name: 'p',
      use: 'flapping',
      priority: 3,
      options: { window: '5', active: 'false' },
      origin: { section: 'plugin:p', file: 'a.ini', line: 1 },
      origins: {
        use: { file: 'a.ini', line: 2, column: 7 },
        priority: { file: 'a.ini', line: 3, column: 12 },
        window: { file: 'a.ini', line: 4, column: 10 },
        active: { file: 'a.ini', line: 5, column: 10 },
      },
    });
  });

  it('is refused when it does not say what plugin it is about', () => {
    assert.deepEqual(problems('[plugin:p]\nwindow = 1'), [
      'error a.ini:1:1: [plugin:p] has no "use", which says what plugin it is about; [plugin:p] is left out',
    ]);
  });
});
