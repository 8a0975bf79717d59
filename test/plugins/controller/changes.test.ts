import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rmSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import type { Reply } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = `
[watcher:web]
cmd = sleep 600
ready_after = 0
graceful_timeout = 5

[watcher:solo]
cmd = sleep 600
ready_after = 0
singleton = True
graceful_timeout = 5
`;

const ok = { status: 'ok' };

describe('the commands that change what there is', () => {
  const session = sessionPerTest(
    ini,
    async ({ pids }) => (await pids('web')).length === 1 && (await pids('solo')).length === 1,
  );
  const { bare: ask, refusal, pids } = session;
  const get = async (name: string, key: string) =>
    ((await ask('get', { name, keys: [key] }))['options'] as Reply | undefined)?.[key];

  it('add: a watcher that rests, or is started as well', async () => {
    assert.deepEqual(await ask('add', { name: 'New', cmd: 'sleep', args: ['600'] }), ok);
    assert.equal((await ask('status', { name: 'new' }))['status'], 'stopped');
    const options = { numprocesses: 2, graceful_timeout: 5, env: { A: 'b' } };
    const { started, kept } = await ask('add', {
      name: 'second',
      cmd: 'sleep 600',
      options,
      start: true,
      waiting: true,
    });
    assert.deepEqual([started, kept], [await pids('second'), []]);
    assert.equal((started as unknown[]).length, 2);
    assert.deepEqual(await get('second', 'env'), { A: 'b' });
    assert.deepEqual(await refusal('add', { name: 'SECOND', cmd: 'x' }), [5, "'SECOND' already exist"]);
    assert.deepEqual(await refusal('add', { name: '', cmd: 'x' }), [5, "'name' is empty"]);
    for (const name of ['a\nb', '\x1b[2J', 'a\x9b'])
      assert.deepEqual(await refusal('add', { name, cmd: 'x' }), [3, "'name' has a control character in it"]);
    assert.deepEqual(await refusal('add', { name: 'x', cmd: '' }), [3, "'cmd' is empty"]);
    assert.deepEqual(await refusal('add', { name: 'x', cmd: 'x', args: ['\0'] }), [
      3,
      "'args' has a NUL character in it",
    ]);
    const twice = { name: 'x', cmd: 'x', options: { singleton: true, numprocesses: 2 } };
    assert.deepEqual(await refusal('add', twice), [5, 'Singleton watcher has a single process']);
  });

  it('rm: takes a watcher out at once, and its processes away, or not', async () => {
    assert.deepEqual(await ask('rm', { name: 'WEB', waiting: true }), ok);
    assert.deepEqual((await ask('list'))['watchers'], ['solo']);
    assert.deepEqual(await refusal('rm', { name: 'web' }), [3, 'program web not found']);
    const [left] = await pids('solo');
    assert.deepEqual(await ask('rm', { name: 'solo', nostop: true, waiting: true }), ok);
    assert.deepEqual((await ask('list'))['watchers'], []);
    assert.equal(process.kill(left!, 0), true);
    assert.deepEqual(await ask('quit', { waiting: true }), ok);
    assert.equal(await session.daemon.exited, 0);
    assert.equal(process.kill(left!, 0), true);
    process.kill(left!, 'SIGKILL');
    await session.daemon.stop();
  });

  it('set: numprocesses and what else takes effect at once', async () => {
    const [before] = await pids('web');
    const options = { numprocesses: 3, graceful_timeout: 4, warmup_delay: 0, send_hup: true, stop_signal: 2 };
    assert.deepEqual(await ask('set', { name: 'web', options, waiting: true }), ok);
    assert.equal((await pids('web')).length, 3);
    assert.ok((await pids('web')).includes(before!));
    assert.equal(await get('web', 'stop_signal'), 2);
    assert.deepEqual(await ask('set', { name: 'web', options: { numprocesses: -1 }, waiting: true }), ok);
    assert.deepEqual([await get('web', 'numprocesses'), await pids('web')], [0, []]);
    const twice = { name: 'solo', options: { numprocesses: 2 } };
    assert.deepEqual(await refusal('set', twice), [5, 'Singleton watcher has a single process']);
  });

  it('set: cmd, args, env and their like, with new processes', async () => {
    const [before] = await pids('web');
    assert.deepEqual(await ask('set', { name: 'web', options: { cmd: 'sleep 700' }, waiting: true }), ok);
    const [after] = await pids('web');
    assert.notEqual(after, before);
    // Between its spawn and its program a process has no command line.
    await eventually(async () => {
      const { info } = await ask('stats', { name: 'web', process: after });
      assert.equal((info as Reply)['cmdline'], 'sleep');
    });
    assert.equal(await get('web', 'cmd'), 'sleep 700');
    await ask('stop', { name: 'web', waiting: true });
    assert.deepEqual(await ask('set', { name: 'web', options: { env: { A: 'b' } }, waiting: true }), ok);
    assert.deepEqual([await get('web', 'env'), await pids('web')], [{ A: 'b' }, []]);
  });

  it('set and add: the plugin that takes rights away is loaded when it is needed', async () => {
    assert.equal(process.getuid?.(), 0, 'this test changes users, so it needs root');
    const uid = { uid: 'nobody' };
    const userOf = (pid: number | undefined) => /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    // Until the chain has come to its end a process is still root's.
    const isNobodys = (pid: number | undefined) => eventually(() => assert.equal(userOf(pid), nobody));
    const nobody = execFileSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).trim();
    assert.deepEqual(await ask('set', { name: 'web', options: uid, waiting: true }), ok);
    await isNobodys((await pids('web'))[0]);
    const added = await ask('add', { name: 'mine', cmd: 'sleep 600', options: uid, start: true, waiting: true });
    assert.equal((added['started'] as unknown[]).length, 1);
    await isNobodys((await pids('mine'))[0]);
    const [errno, reason] = await refusal('add', { name: 'other', cmd: 'sleep 600', options: { uid: 'nobdy' } });
    assert.equal(errno, 5);
    assert.match(String(reason), /did you mean "nobody"/);
  });

  it('reloadconfig: does what the files say now', async () => {
    session.daemon.folder.write(
      'circus.ini',
      `[circus]\nendpoint = ${session.daemon.endpoint}\npubsub_endpoint = ipc://${session.daemon.folder.path}/events\n${ini}numprocesses = 1\n[watcher:late]\ncmd = sleep 600\n`,
    );
    const { changes } = await ask('plan');
    assert.deepEqual(
      (changes as Reply[]).map(({ name, what }) => [name, what]),
      [['late', 'added']],
    );
    const done = await ask('reloadconfig', { waiting: true });
    assert.deepEqual([done['status'], done['changes']], ['ok', changes]);
    await eventually(async () => (await pids('late')).length === 1);
    rmSync(`${session.daemon.folder.path}/circus.ini`);
    const [errno, reason] = await refusal('reloadconfig', { waiting: true });
    assert.equal(errno, 6);
    assert.match(String(reason), /circus\.ini" does not exist/);
  });
});

describe('the check of options', () => {
  const session = sessionPerTest(ini);

  /** What `add` and `set` say of one option; undefined for nothing. */
  async function verdict(key: string, value: unknown): Promise<unknown> {
    const replies = [
      await session.client.ask('add', { name: 'x', cmd: 'true', options: { [key]: value } }),
      await session.client.ask('set', { name: 'web', options: { [key]: value } }),
    ];
    await session.client.ask('rm', { name: 'x' });
    const [added, set] = replies.map(({ errno, reason }) => (errno === 3 ? reason : undefined));
    assert.equal(added, set);
    return added;
  }
  const check = async (message: (key: string) => string, cases: Readonly<Record<string, readonly unknown[]>>) => {
    for (const [key, values] of Object.entries(cases))
      for (const value of values) assert.equal(await verdict(key, value), message(key), `${key} = ${String(value)}`);
  };

  it('wants an object', async () => {
    for (const options of [5, 'x', [], null]) {
      const { errno, reason } = await session.client.ask('set', { name: 'web', options });
      assert.deepEqual([errno, reason], [3, "'options' property should be an object"]);
    }
    assert.equal((await session.client.ask('set', { name: 'web', options: {} }))['status'], 'ok');
  });

  it('knows Circus’s types and says so in its words', async () => {
    const integer = ['1', 1.5, null, []];
    await check((key) => `'${key}' isn't an integer`, {
      numprocesses: integer,
      max_retry: integer,
      max_age: integer,
      max_age_variance: integer,
      stop_signal: integer,
    });
    const number = ['1', null, {}];
    await check((key) => `'${key}' isn't a number`, {
      warmup_delay: number,
      retry_in: number,
      graceful_timeout: number,
    });
    const flag = ['true', 1, null];
    await check((key) => `'${key}' isn't a valid boolean`, {
      send_hup: flag,
      shell: flag,
      copy_env: flag,
      respawn: flag,
      stop_children: flag,
      close_child_stdin: flag,
      close_child_stdout: flag,
      close_child_stderr: flag,
    });
    await check((key) => `'${key}' isn't an integer or string`, { uid: [1.5, null], gid: [[]] });
    await check(() => `'env' isn't a valid object`, { env: ['A=b', null, ['A']] });
    await check(() => `'A' isn't a string`, { env: [{ A: 1 }, { B: 'b', A: null }] });
    const object = ['file', null, 5];
    await check((key) => `'${key}' isn't a valid object`, { stdout_stream: object, stderr_stream: object });
    await check((key) => `'${key}' must have a 'class' key`, {
      stdout_stream: [{}],
      stderr_stream: [{ filename: 'x' }],
    });
    await check((key) => `'${key}' isn't a valid rlimit setting`, { rlimit_nope: [1] });
    await check(() => `'x' rlimit value isn't a valid int`, { rlimit_nofile: ['x'] });
    assert.match(String(await verdict('hooks', 'x')), /isn't a valid hook dict/);
    assert.match(String(await verdict('hooks', { nope: 'x' })), /^Unknown hook/);
  });

  it('knows no key that can’t be set', async () => {
    const keys = ['nope', 'use_sockets', 'copy_path', 'priority', 'autostart', 'virtualenv', 'executable'];
    for (const key of [...keys, 'shell_args', 'stdin_socket', 'name', 'options', '__proto__x', 'constructor'])
      assert.equal(await verdict(key, 1), `unknown key '${key}'`);
  });

  it('lets everything else pass', async () => {
    const good = {
      numprocesses: true,
      max_retry: -1,
      warmup_delay: 0.5,
      retry_in: 3,
      max_age: 10,
      respawn: true,
      args: 'x',
      working_dir: '/',
      hooks: { before_start: 'a.b' },
      'hooks.nope': 'x',
      'stdout_stream.x': 1,
      rlimit_nofile: null,
      stdout_stream: { class: 'X' },
    };
    for (const [key, value] of Object.entries(good)) assert.equal(await verdict(key, value), undefined, key);
  });
});
