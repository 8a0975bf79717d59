import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { makeTemporary } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { files, hookOf, kinds, notesOf } from './kinds.js';

const other = '[watcher:other]\ncmd = sleep 600\n';
const web = (...lines: readonly string[]) => `[watcher:web]\ncmd = sleep 600\n${lines.join('\n')}\n`;

describe('a hook that can not be called', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['hooks.before_start = ./hooks.mjs#yess', /"\.\/hooks\.mjs" exports no function "yess" \(did you mean "yes"\?\)/],
    ['hooks.before_start = ./hooks.mjs#nothing', /exports no function "nothing": its functions are .*yes.*/],
    ['hooks.before_start = ./broken.mjs#yes', /"\.\/broken\.mjs" can't be loaded: not today/],
    ['hooks.before_start = ./text.mjs', /"\.\/text\.mjs" can't be loaded: SyntaxError: Unexpected identifier/],
    ['hooks.before_start = ./helper.mjs', /"\.\/helper\.mjs" has no default function: write "\.\/helper\.mjs#helper"/],
    ['hooks.before_start = ./nowhere.mjs#yes', /can't be loaded: there is no file .*\/nowhere\.mjs/],
    ['hooks.before_start = /dev/zero#x', /can't be loaded: \/dev\/zero is no regular file/],
    ['hooks.before_start = ./vast.mjs#x', /can't be loaded: .*vast\.mjs has more than 16 MiB/],
    ['hooks.before_start = no-such-package#yes', /can't be loaded: Cannot find module 'no-such-package'/],
    [
      'hooks.before_start = exec:./nowhere.sh',
      /has the command "exec:\.\/nowhere\.sh": there is no file .*\/nowhere\.sh/,
    ],
    ['hooks.before_start = exec:./notes.txt', /notes\.txt can't be executed/],
    ['hooks.before_start = exec:no-such-program --fast', /program "no-such-program" was not found in PATH/],
    ['hooks.before_start = exec:', /has no command behind "exec:"/],
    ["hooks.before_start = exec:sh -c 'exit", /quotes .* are not balanced/],
    [
      'hooks.before_start = something',
      /names no function: write \.\/FILE\.mjs#NAME, exec:COMMAND, or a Python function/,
    ],
    [
      'hooks.before_start = myhooks.yess',
      /can't import: AttributeError: module "myhooks" has no function "yess" \(did you mean "yes"\?\); hooks can be \.\/FILE\.mjs#NAME or exec:COMMAND too/,
    ],
    [
      'hooks.before_start = nowhere.hooks:yes',
      /names "nowhere\.hooks\.yes", which python3 can't import: ModuleNotFoundError: No module named 'nowhere'/,
    ],
    ['hooks.before_start = ./hooks.mjs#yes, maybe', /after the comma must be true or false .*, and is " maybe"/],
    ['hooks.timeout = 0', /must be seconds above 0, and is "0"/],
    ['hooks.timeout = soon', /"hooks\.timeout" must be a number of seconds/],
    ['hooks.before_start = myhooks.yes\nhooks.python = no-such-python', /there is no program "no-such-python"/],
  ];
  const more = {
    'broken.mjs': "throw new Error('not today');",
    'notes.txt': '',
    'vast.mjs': ' '.repeat(16 * 2 ** 20 + 1),
    'text.mjs': '// a text\nthis is no JavaScript',
    'helper.mjs': 'export const helper = () => true;',
  };

  for (const [line, words] of wrong) {
    it(`is refused where it is written: ${line.split('\n').at(-1)}`, async () => {
      const folder = makeTemporary();
      try {
        for (const [name, text] of Object.entries({ ...files.files, ...more })) folder.write(name, text);
        const { code, stderr } = await runCircusd(['--check', folder.write('circus.ini', other + web(line))]);
        assert.equal(code, 1, stderr);
        assert.match(stderr, words);
        assert.match(stderr, /error: \S*circus\.ini:5:\d+: .*\[watcher:web\] is left out$/m);
        assert.equal(stderr.trim().split('\n').length, 1, stderr);
      } finally {
        folder.remove();
      }
    });
  }

  const start = daemonPerTest();
  closeClients();

  it('leaves its watcher out, and others run', async () => {
    const daemon = await start(other + web('hooks.before_start = ./hooks.mjs#yess'), files);
    const client = connect(daemon);
    await eventually(async () => assert.deepEqual((await client.ask('status'))['statuses'], { other: 'active' }));
    assert.match(daemon.log, /circus\.ini:\d+:\d+: .*did you mean/);
  });

  it('by its name is warned of, and does nothing, as in Circus', async () => {
    const daemon = await start(other + web('hooks.before_strat = ./hooks.mjs#no'), files);
    assert.match(
      daemon.log,
      /circus\.ini:\d+:\d+: .*hooks\.before_strat.* is no hook \(did you mean .*hooks\.before_start/,
    );
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active'));
  });

  it('makes no watcher without hooks: while the plugin is missing, it waits', async () => {
    const daemon = await start(
      `[plugin:hooks]\nuse = hooks\nnonsense = 1\n${other}${web('hooks.before_start = exec:true')}`,
    );
    const client = connect(daemon);
    await eventually(async () => {
      const { state, reason } = await client.ask('status', { name: 'web' });
      assert.deepEqual([state, /plugin "hooks", which is not loaded/.test(String(reason))], ['waiting', true]);
    });
  });
});

describe('hooks of a running daemon', () => {
  const start = daemonPerTest();
  closeClients();

  for (const kind of kinds)
    it(`can be set and added, as a ${kind}, and count at once`, async () => {
      const daemon = await start(other, files);
      const client = connect(daemon);
      const set = async (options: unknown) => client.ask('set', { name: 'other', options });
      assert.equal((await set({ 'hooks.before_start': hookOf(kind, 'no') }))['status'], 'ok');
      assert.equal((await client.ask('status', { name: 'other' }))['status'], 'active');
      assert.match(
        String((await client.ask('restart', { name: 'other', waiting: true }))['reason']),
        /its before_start/,
      );
      // The last one counts, whatever form it has.
      assert.equal((await set({ hooks: { before_start: `${hookOf(kind, 'no')},True` } }))['status'], 'ok');
      const add = (name: string, hooks: unknown) =>
        client.ask('add', { name, cmd: 'sleep 600', options: { hooks }, start: true, waiting: true });
      assert.match(
        String((await add('refused', { before_start: [hookOf(kind, 'fail'), false] }))['reason']),
        /its before_start/,
      );
      assert.equal((await add('forgiven', { before_start: [hookOf(kind, 'fail'), true] }))['status'], 'ok');
      const { statuses } = await client.ask('status');
      assert.deepEqual(statuses, { other: 'stopped', refused: 'stopped', forgiven: 'active' });
    });

  it('are refused before anything is changed, with the reason', async () => {
    const daemon = await start(other + web('hooks.before_start = ./hooks.mjs#yes'), files);
    const client = connect(daemon);
    for (const bad of ['./hooks.mjs#yess', 'exec:./nowhere.sh', 'myhooks.yess', 'something', 7]) {
      const reply = await client.ask('set', { name: 'web', options: { 'hooks.before_start': bad } });
      assert.equal(reply['status'], 'error', String(bad));
      assert.match(String(reply['reason']), /^"hooks\.before_start" /);
      const added = await client.ask('add', {
        name: 'new',
        cmd: 'true',
        options: { hooks: { before_start: [bad, false] } },
      });
      assert.match(String(added['reason']), /^"hooks\.before_start" /);
    }
    const { reason } = await client.ask('set', { name: 'web', options: { 'hooks.before_strat': 'exec:true' } });
    assert.match(String(reason), /is no hook \(did you mean "hooks\.before_start"\?\)/);
    assert.equal((await client.ask('restart', { name: 'web', waiting: true }))['status'], 'ok');
    assert.equal((await client.ask('status', { name: 'new' }))['status'], 'error');
  });

  it('are loaded once, and again when the configuration is read and the file has changed', async () => {
    const daemon = await start(other + web('hooks.before_start = ./counting.mjs#count'), {
      ...files,
      files: {
        ...files.files,
        'counting.mjs': 'let calls = 0;\nexport const count = () => console.error(`old ${++calls}`) ?? true;',
      },
    });
    const client = connect(daemon);
    const write = (text: string) => writeFileSync(join(daemon.folder.path, 'counting.mjs'), text);
    const restart = () => client.ask('restart', { name: 'web', waiting: true });
    const reload = () => client.ask('reloadconfig', { waiting: true });
    const shows = (text: RegExp) => eventually(() => assert.match(daemon.log, text));
    await shows(/^old 1$/m);
    await restart();
    await shows(/^old 2$/m);
    write('console.error(`in ${process.pid}`);\nexport const count = () => console.error("new") ?? true;');
    await client.ask('plan');
    assert.ok(!daemon.log.includes(`in ${daemon.pid}`), 'it is looked at in another process');
    await restart();
    await shows(/^old 3$/m);
    const { pids } = await client.ask('list', { name: 'web' });
    assert.equal((await reload())['status'], 'ok');
    assert.deepEqual((await client.ask('list', { name: 'web' }))['pids'], pids, 'nothing is replaced for it');
    await restart();
    await shows(/^new$/m);
    write('this is no JavaScript');
    await reload();
    await restart();
    await eventually(() => assert.equal(daemon.log.match(/^new$/gm)?.length, 2));
    assert.match(daemon.log, /circus\.ini:\d+:\d+: .*counting\.mjs.* can't be loaded/);
  });

  it('that are changed in the file count at once, without a new process', async () => {
    const daemon = await start(other, files);
    const client = connect(daemon);
    const { pids } = await client.ask('list', { name: 'other' });
    const file = join(daemon.folder.path, 'circus.ini');
    writeFileSync(file, `${readFileSync(file, 'utf8')}hooks.before_start = exec:false\n`);
    assert.equal((await client.ask('reloadconfig', { waiting: true }))['status'], 'ok');
    assert.deepEqual((await client.ask('list', { name: 'other' }))['pids'], pids);
    const { reason } = await client.ask('restart', { name: 'other', waiting: true });
    assert.match(String(reason), /its before_start "exec:false" exited with code 1/);
  });

  it('are called for a watcher that is taken out', async () => {
    const points = ['before_stop', 'before_signal', 'after_signal', 'after_reap', 'after_stop'];
    const daemon = await start(other + web(...points.map((point) => `hooks.${point} = ./hooks.mjs#yes`)), files);
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active'));
    await client.ask('rm', { name: 'web', waiting: true });
    await eventually(() =>
      assert.deepEqual(
        notesOf(daemon).map(({ what }) => what),
        points,
      ),
    );
  });

  it('are called to the end when the daemon ends', async () => {
    const daemon = await start(web('hooks.after_reap = exec:slow.sh'), {
      files: { 'slow.sh': '#!/bin/sh\nsleep 0.5\necho "$CIRCUS_EXIT_CODE"\nexit 1\n' },
      prepare: (folder) => chmodSync(join(folder.path, 'slow.sh'), 0o755),
    });
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active'));
    await daemon.stop();
    assert.match(daemon.log, /web: hook after_reap \(exec:slow\.sh\) exited with code 1: -15/);
  });
});
