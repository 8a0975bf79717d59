/** Plugins in processes of their own: Circus's in Python, and ours. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest, type Circusd, type CircusdOptions } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { noteIn, notesIn, type Note } from '../support/notes.js';
import { installPackages } from '../support/packages.js';
import { inRoot } from '../support/paths.js';
import { python } from '../support/python.js';
import type { Temporary } from '../support/temporary.js';

const interpreter = '/usr/bin/python3';
const pythonPath = { PYTHONPATH: inRoot('test/fixtures/python'), PYTHONDONTWRITEBYTECODE: '1' };
const watchers = '[watcher:trigger]\ncmd = sleep 600\n[watcher:spare]\ncmd = sleep 600\nautostart = False\n';
const witness = `[plugin:w]\nuse = witness.Witness\npython = ${interpreter}\nfile = notes\n`;
const seer = '[plugin:s]\nuse = circusd-plugin-seer\nisolate = process\nfile = notes\n';

/** Node finds the packages beside a link, and not beside what it leads to. */
const options: CircusdOptions = {
  env: { ...pythonPath, NODE_OPTIONS: '--preserve-symlinks' },
  prepare: (folder) => installPackages(folder.path),
};

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
      assert.equal((find(daemon, 'client')['reply'] as Note)['numwatchers'], 3);
      const { stdout } = await daemon.ctl('status');
      assert.match(stdout, /^plugin:w: active$/m);
      const notes = join(daemon.folder.path, 'notes');
      const exited = daemon.exited.then(() => notesIn(notes).at(-1)?.what);
      daemon.signal('SIGTERM');
      assert.equal(await exited, 'stop');
    });

    it('is started with the words that Circus starts it with', async () => {
      const daemon = await start(`[circus]\nloglevel = warning\nlogoutput = log\n${witness}priority = 3\na = 1\n`);
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
      assert.deepEqual(find(daemon, 'refused'), { what: 'refused', name: 'ClientError', errno: 2 });
      const { name, checkDelay } = find(daemon, 'begin');
      assert.deepEqual([name, checkDelay], ['plugin:s', 2]);
      const notes = join(daemon.folder.path, 'notes');
      await daemon.ctl('stop', 'plugin:s', '--waiting');
      // The event of its own signal may come between.
      const [deferred, end] = notesIn(notes).filter(({ what }) => what === 'deferred' || what === 'end');
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
    const daemon = await start(`[circus]\nloglevel = warn\nlogoutput = log\n${seer}priority = 5\n${watchers}`);
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
    assert.equal(await reload('loglevel = warn', 'loglevel = debug\ndebug = 1'), first);
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
