/** Plugins in processes of their own: Circus's in Python, and ours. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest, type Circusd, type CircusdOptions } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { noteIn, notesIn, type Note } from '../support/notes.js';
import { inRoot, root } from '../support/paths.js';
import { python } from '../support/python.js';
import { temporaryPerTest, type Temporary } from '../support/temporary.js';
import { circusd, linesOf } from './program.js';

const interpreter = '/usr/bin/python3';
const pythonPath = { PYTHONPATH: inRoot('test/fixtures/python'), PYTHONDONTWRITEBYTECODE: '1' };
const watchers = '[watcher:trigger]\ncmd = sleep 600\n[watcher:spare]\ncmd = sleep 600\nautostart = False\n';
const witness = `[plugin:w]\nuse = witness.Witness\npython = ${interpreter}\nfile = notes\n`;
const seer = '[plugin:s]\nuse = circusd-plugin-seer\nisolate = process\nfile = notes\n';

/** What a plugin from npm finds beside the configuration. */
function install({ path }: Pick<Temporary, 'path'>): void {
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(root, join(path, 'node_modules/circusd'));
  for (const name of ['seer', 'greeter'])
    symlinkSync(
      inRoot(`test/fixtures/packages/circusd-plugin-${name}`),
      join(path, `node_modules/circusd-plugin-${name}`),
    );
}

/** Node finds the packages beside a link, and not beside what it leads to. */
const options: CircusdOptions = { env: { ...pythonPath, NODE_OPTIONS: '--preserve-symlinks' }, prepare: install };

describe('a plugin in a process of its own', function () {
  this.timeout(30_000);
  const startDaemon = circusdPerTest();
  const start = (ini: string) => startDaemon(ini, options);
  const find = ({ folder }: Circusd, what: string, watcher?: string): Note =>
    noteIn(
      join(folder.path, 'notes'),
      (note) => note.what === what && (watcher === undefined || note['watcher'] === watcher),
    );
  const noted = (daemon: Circusd, what: string, watcher?: string) =>
    eventually(() => find(daemon, what, watcher), { within: 10_000 });

  async function pidOf(daemon: Circusd, name: string): Promise<number> {
    return eventually(async () => {
      const { pids } = (await daemon.json('list', name)) as { readonly pids: readonly number[] };
      return pids[0] ?? false;
    }) as Promise<number>;
  }

  /** The life that both kinds lead: told of events, answered, and obeyed. */
  async function seesAndAsks(daemon: Circusd): Promise<void> {
    const { reply } = await noted(daemon, 'list');
    assert.deepEqual(
      [...(reply as { readonly watchers: readonly string[] }).watchers].sort(),
      (await listed(daemon)).sort(),
    );
    const before = await pidOf(daemon, 'trigger');
    process.kill(before, 'SIGKILL');
    const reaped = (await noted(daemon, 'reap', 'trigger'))['data'] as Note;
    assert.deepEqual([reaped['process_pid'], reaped['exit_code']], [before, -9]);
    const spawned = (await noted(daemon, 'spawn', 'trigger'))['data'] as Note;
    assert.equal(spawned['process_pid'], await pidOf(daemon, 'trigger'));
    const answer = (await noted(daemon, 'answer'))['reply'] as { readonly options: Note };
    assert.equal(answer.options['cmd'], 'sleep 600');
    await noted(daemon, 'start', 'spare');
  }

  const listed = async (daemon: Circusd) => [
    ...((await daemon.json('list')) as { watchers: readonly string[] }).watchers,
  ];

  async function respawns(daemon: Circusd, name: string, first: string): Promise<void> {
    const { pid } = await noted(daemon, first);
    process.kill(pid as number, 'SIGKILL');
    await eventually(() => assert.notEqual(find(daemon, first)['pid'], pid));
    assert.equal(find(daemon, first)['pid'], await pidOf(daemon, name));
  }

  describe('of Circus, in Python', () => {
    before('look for Python', () => python(''));

    it('sees events, is answered and obeyed, and is asked to end', async () => {
      const daemon = await start(witness + watchers);
      await seesAndAsks(daemon);
      const { stdout } = await daemon.ctl('status');
      assert.match(stdout, /^plugin:w: active$/m);
      const notes = join(daemon.folder.path, 'notes');
      const exited = daemon.exited.then(() => notesIn(notes).at(-1)?.what);
      daemon.signal('SIGTERM');
      assert.equal(await exited, 'stop');
    });

    it('is started with the words that Circus starts it with', async () => {
      const daemon = await start(`[circus]\nloglevel = warning\nlogoutput = ${'log'}\n${witness}priority = 3\na = 1\n`);
      const { argv, delay } = await noted(daemon, 'init');
      const { path } = daemon.folder;
      const config = `__name__:plugin:w:::a:1:::file:notes:::name:plugin:w:::priority:3:::python:${interpreter}`;
      assert.deepEqual(argv, [
        '-c',
        ...['--endpoint', `ipc://${path}/control`, '--pubsub', `ipc://${path}/events`, '--config', config],
        ...['--log-level', 'warning', '--log-output', 'log', 'witness.Witness'],
      ]);
      assert.equal(delay, 5);
      const { options: shown } = (await daemon.json('options', 'plugin:w')) as { readonly options: Note };
      const expected = {
        singleton: true,
        copy_env: true,
        priority: 3,
        close_child_stdout: true,
        close_child_stderr: true,
        a: '1',
      };
      assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, shown[key]])), expected);
      assert.ok(
        String(shown['cmd']).startsWith(`${interpreter} -c 'from circus import plugins;plugins.main()' --endpoint `),
      );
    });

    it('gets values with blanks, quotes, colons and variables as they are written', async () => {
      const text = `a  b "q" 'x' \\ $(circus.wid) ((circus.env.HOME)) :a:b:`;
      const daemon = await start(
        `${witness}empty =\ntext = ${text.replace('((circus.env.HOME))', '((circus.wid))')}\n`,
      );
      const config = (await noted(daemon, 'init'))['config'] as Readonly<Record<string, string>>;
      assert.equal(config['text'], text.replace('((circus.env.HOME))', '((circus.wid))'));
      assert.equal(config['empty'], '');
    });

    it('runs again after a crash', async () => respawns(await start(witness), 'plugin:w', 'init'));

    it('has the options of a watcher, whose booleans are booleans', async () => {
      const daemon = await start(`${witness}autostart = false\nenv.MARK = 1\n[env]\nOTHER = 1\n`);
      const { stdout } = await daemon.ctl('status');
      assert.equal(stdout, 'plugin:w: stopped\n');
      const { options: shown } = (await daemon.json('options', 'plugin:w')) as {
        readonly options: { readonly env: Note };
      };
      assert.deepEqual([shown.env['MARK'], shown.env['OTHER'], 'PATH' in shown.env], ['1', undefined, true]);
    });

    it('runs with the Python of its virtual environment', async () => {
      const make = (folder: Temporary) => {
        mkdirSync(join(folder.path, 'venv/lib/python3.9/site-packages'), { recursive: true });
        folder.write('venv/bin/python3', `#!/bin/sh\nexec ${interpreter} "$@"\n`, 0o755);
      };
      const ini = witness.replace(`python = ${interpreter}`, 'virtualenv = venv');
      const daemon = await startDaemon(ini, { ...options, prepare: make });
      await noted(daemon, 'init');
      const { stdout } = await daemon.ctl('get', 'plugin:w', 'cmd');
      assert.ok(stdout.includes(`${daemon.folder.path}/venv/bin/python3 -c`), stdout);
    });
  });

  describe('of ours', () => {
    it('sees events, is answered and obeyed, and cleans up', async () => {
      const daemon = await start(`[circus]\ncheck_delay = 2\n${seer}${watchers}`);
      await seesAndAsks(daemon);
      assert.deepEqual(find(daemon, 'refused'), { what: 'refused', name: 'CallError', errno: 2 });
      const { name, checkDelay } = find(daemon, 'begin');
      assert.deepEqual([name, checkDelay], ['plugin:s', 2]);
      const notes = join(daemon.folder.path, 'notes');
      await daemon.ctl('stop', 'plugin:s', '--waiting');
      const [deferred, end] = notesIn(notes).slice(-2);
      assert.deepEqual([deferred!.what, end], ['deferred', { what: 'end', numwatchers: 3 }]);
    });

    it('gets any value as it is written, and none of those of its watcher', async () => {
      const text = `a  b "q" 'x' \\ $(circus.wid) ((circus.wid)) x:::y:z :a:b:`;
      const daemon = await start(`${seer}empty =\ntext = ${text}\ngraceful_timeout = 7\npriority = 4\n`);
      assert.deepEqual((await noted(daemon, 'begin'))['config'], { file: 'notes', empty: '', text });
      assert.match((await daemon.ctl('get', 'plugin:s', 'graceful_timeout', 'priority')).stdout, /7[^]*4/);
    });

    it('runs again after a crash', async () => respawns(await start(seer), 'plugin:s', 'begin'));

    it('logs where the daemon is told to, and to its output with debug', async () => {
      const daemon = await start(`[circus]\ndebug = 1\n${seer}`);
      await eventually(() => assert.match(daemon.log, /"plugin":"plugin:s","msg":"seeing"/));
      const other = await start(`[circus]\nlogoutput = log\n${seer}`);
      await eventually(() =>
        assert.match(readFileSync(join(other.folder.path, 'log'), 'utf8'), /"plugin:s","msg":"seeing"/),
      );
    });
  });

  it('is left alone by reloadconfig unless its own section changed', async () => {
    const daemon = await start(`[circus]\nloglevel = info\nlogoutput = log\n${seer}priority = 5\n${watchers}`);
    const path = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(path, 'utf8');
    const first = await pidOf(daemon, 'plugin:s');
    const reload = async (from: string | RegExp, to: string): Promise<number | undefined> => {
      daemon.folder.write('circus.ini', text.replace(from, to));
      await daemon.ctl('reloadconfig', '--waiting');
      const { watchers: names } = (await daemon.json('list')) as { readonly watchers: readonly string[] };
      return names.includes('plugin:s') ? pidOf(daemon, 'plugin:s') : undefined;
    };
    assert.equal(await reload('x', 'x'), first);
    assert.equal(await reload('loglevel = info', 'loglevel = debug\ndebug = 1'), first);
    assert.equal(await reload(/^endpoint = .*/m, 'endpoint = ipc://elsewhere'), first);
    assert.equal(await reload('priority = 5', 'priority = 6'), first);
    assert.equal(await reload('file = notes', 'flie = notes'), first, 'a broken section keeps its old form');
    const second = await reload('file = notes', 'file = notes\ntext = new');
    assert.notEqual(second, first);
    assert.equal(await reload(/\[plugin:s\][^[]*/, ''), undefined);
    assert.notEqual(await reload('x', 'x'), undefined);
  });

  it('is saved as what its own section says', async () => {
    const daemon = await start(`[circus]\noverrides = saved.ini\n${seer}`);
    await daemon.ctl('set', 'plugin:s', 'graceful_timeout', '9');
    assert.equal((await daemon.ctl('save')).code, 0);
    assert.match(readFileSync(join(daemon.folder.path, 'saved.ini'), 'utf8'), /\[plugin:s\]\ngraceful_timeout = 9/);
  });
});

describe('a plugin that cannot run in a process of its own', function () {
  this.timeout(30_000);
  const folder = temporaryPerTest();
  const startDaemon = circusdPerTest();

  async function check(ini: string, env: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
    folder.write('a.ini', ini);
    const { stderr } = await circusd(
      { cwd: folder.path, env: { NODE_OPTIONS: '--preserve-symlinks', ...env } },
      '--check',
      'a.ini',
    );
    return linesOf(stderr);
  }

  /** A package of that name that is not Circus's: whatever else Python has, it finds this one first. */
  const without = () => {
    folder.write('not-circus/circus.py', '');
    return { PYTHONPATH: join(folder.path, 'not-circus'), PYTHONDONTWRITEBYTECODE: '1' };
  };

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [
      'one that answers the daemon',
      '[plugin:f]\nuse = flapping\nisolate = process\n',
      /^error: a\.ini:3:11: plugin "flapping" works inside the daemon only: take "isolate" away; \[plugin:f\] is left out$/,
    ],
    [
      'a package for the daemon itself',
      '[plugin:g]\nuse = circusd-plugin-greeter\nisolate = process\n',
      /^error: a\.ini:2:7: plugin ".*greeter.*" works inside the daemon only: take "isolate = process" away; \[plugin:g\] is left out$/,
    ],
    [
      'one that is for a process and does not say so',
      '[plugin:s]\nuse = circusd-plugin-seer\nfile = x\n',
      /^error: a\.ini:2:7: plugin "circusd-plugin-seer" runs in a process of its own: write "isolate = process" into its section; /,
    ],
    [
      'one with an unknown option',
      `${seer}txet = 1\n`,
      /^error: a\.ini:5:8: option "txet" of plugin "s": there is no such option; \[plugin:s\] is left out$/,
    ],
    [
      'one that is not there',
      '[plugin:s]\nuse = no-such\nisolate = process\n',
      /^error: a\.ini:2:7: plugin "no-such" is neither/,
    ],
    [
      'another way to isolate',
      '[plugin:s]\nuse = x\nisolate = thread\n',
      /^error: a\.ini:3:11: "isolate" must be process, and is "thread"/,
    ],
    [
      'a wrong option of its watcher',
      `${seer}numprocesses = 2\n`,
      /^error: a\.ini:5:16: "numprocesses" is 2, but a singleton/,
    ],
    [
      'a second watcher of its name',
      `${seer}[watcher:plugin:s]\ncmd = sleep 1\n`,
      /^error: a\.ini:1:1: watcher "plugin:s" has the same name as \[watcher:plugin:s\]/,
    ],
    [
      'a daemon without a controller',
      `[circus]\nendpoint =\n${seer}`,
      /^error: a\.ini:4:7: plugin "circusd-plugin-seer" speaks to the controller, which this configuration has switched off/,
    ],
    [
      'a daemon at an open port',
      `[circus]\nendpoint = tcp://127.0.0.1:*\n${seer}`,
      /^error: a\.ini:4:7: plugin "circusd-plugin-seer" can't be told where the daemon is, as "tcp:\/\/127\.0\.0\.1:\*"/,
    ],
  ];
  for (const [title, ini, expected] of faults) {
    it(`is told with its place: ${title}`, async () => {
      install(folder);
      const lines = await check(ini);
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0]!, expected);
    });
  }

  it('is refused at its "use" without the package of Circus, by --check and by a daemon that runs all else', async () => {
    const env = without();
    const expected =
      /a\.ini:2:7: plugin "my\.Plugin" is neither one of ours.*, and as a Python class it needs Python's package "circus", which \/usr\/bin\/python3 can't import \(ImportError: .*\); \[plugin:p\] is left out$/;
    const ini = `[plugin:p]\nuse = my.Plugin\npython = ${interpreter}\n${watchers}`;
    const lines = await check(ini, env);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, expected);
    const daemon = await startDaemon(ini, { env });
    assert.deepEqual(((await daemon.json('list')) as { readonly watchers: readonly string[] }).watchers, [
      'spare',
      'trigger',
    ]);
    assert.match(daemon.log, /plugin \\"my\.Plugin\\" is neither.*Python's package \\"circus\\"/);
  });

  it('is refused when its class, or its Python, is not there', async () => {
    const section = (use: string, more: string) => `[plugin:p]\nuse = ${use}\npython = ${more}\n`;
    const [noClass] = await check(section('witness:Nobody', interpreter), pythonPath);
    assert.match(noClass!, /a\.ini:2:7: .* it can't be imported by \/usr\/bin\/python3 \(AttributeError: .*Nobody/);
    const [noPython] = await check(section('witness.Witness', 'no-python'), pythonPath);
    assert.match(noPython!, /a\.ini:2:7: .* it needs Python: .*"no-python"/);
  });

  it('is only warned of when it is one of Circus that this version is to have', async () => {
    const lines = await check(
      `[plugin:p]\nuse = circus.plugins.statsd.FullStats\npython = ${interpreter}\n`,
      without(),
    );
    assert.match(
      lines.join('\n'),
      /^warning: a\.ini:2:7: this version has no plugin "full-stats" yet.*package "circus".*left out$/,
    );
  });

  it('is warned of when the form of Circus cannot hold a value', async () => {
    const lines = await check(`${witness}text = a:::b\n`, pythonPath);
    assert.match(lines.join('\n'), /^warning: a\.ini:5:8: "text" does not reach the plugin as it is: /);
  });
});
