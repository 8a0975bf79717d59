import assert from 'node:assert/strict';
import type { Reply } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = `
[socket:web]
host = 127.0.0.1
port = 0

[socket:unix]
path = ./app.sock

[watcher:Big Cat]
cmd = sleep 600
numprocesses = 2
colour = tabby
stop_signal = INT

[watcher:idle]
cmd = sleep
args = 600
autostart = False
singleton = True
`;

describe('the commands that look', () => {
  const session = sessionPerTest(ini, async ({ client }) => (await client.state('Big Cat')) === 'active');
  const { bare: ask, refusal } = session;

  it('list: names in lower case and sorted, or the pids of one', async () => {
    assert.deepEqual(await ask('list'), { status: 'ok', watchers: ['big cat', 'idle'] });
    const listed = await session.pids('big cat');
    assert.equal(listed.length, 2);
    assert.deepEqual(
      session.daemon
        .descendants()
        .map(({ pid }) => pid)
        .sort(),
      [...listed].sort(),
    );
    assert.deepEqual(await ask('list', { name: 'idle' }), { status: 'ok', pids: [] });
  });

  it('status: of all with their names as written, or of one in place of ok', async () => {
    assert.deepEqual(await ask('status'), { status: 'ok', statuses: { 'Big Cat': 'active', idle: 'stopped' } });
    assert.deepEqual(await ask('status', { name: 'IDLE' }), { status: 'stopped', state: 'stopped', reason: '' });
  });

  it('numprocesses and numwatchers', async () => {
    assert.deepEqual(await ask('numprocesses'), { status: 'ok', numprocesses: 2 });
    const one = { status: 'ok', numprocesses: 2, watcher_name: 'BIG CAT' };
    assert.deepEqual(await ask('numprocesses', { name: 'BIG CAT' }), one);
    assert.deepEqual(await ask('numwatchers'), { status: 'ok', numwatchers: 2 });
  });

  it('options: all that Circus lists, in its order, and what plugins and nobody own', async () => {
    const { options } = (await ask('options', { name: 'big cat' })) as { options: Record<string, unknown> };
    const { env, working_dir, ...plain } = options;
    assert.equal(working_dir, session.daemon.folder.path);
    assert.ok(env === null || typeof env === 'object');
    assert.deepEqual(plain, {
      __name__: 'watcher:Big Cat',
      args: '',
      close_child_stderr: false,
      close_child_stdin: true,
      close_child_stdout: false,
      cmd: 'sleep 600',
      colour: 'tabby',
      copy_env: false,
      executable: null,
      gid: null,
      graceful_timeout: 30,
      max_age: 0,
      max_age_variance: 30,
      max_retry: 5,
      numprocesses: 2,
      on_demand: false,
      priority: 0,
      respawn: true,
      send_hup: false,
      shell: false,
      shell_args: null,
      singleton: false,
      stderr_stream_conf: {},
      stdout_stream_conf: {},
      stop_children: false,
      stop_signal: 2,
      uid: null,
      use_sockets: false,
      warmup_delay: 0,
    });
    assert.deepEqual(Object.keys(options), Object.keys(options).sort());
  });

  it('get: some of the options', async () => {
    const asked = { name: 'big cat', keys: ['numprocesses', 'colour'] };
    assert.deepEqual(await ask('get', asked), { status: 'ok', options: { numprocesses: 2, colour: 'tabby' } });
    const ours = { listen_fds: false, ready_after: null, secrets: [], sockets: [], stop_steps: [] };
    const replied = await ask('get', { name: 'idle', keys: Object.keys(ours) });
    assert.deepEqual(replied, { status: 'ok', options: ours });
    const refused = await refusal('get', { name: 'idle', keys: ['autostart'] });
    assert.deepEqual(refused, [3, "'autostart' option not found"]);
    assert.deepEqual(await refusal('get', { name: 'idle', keys: ['cmd', 'nope'] }), [3, "'nope' option not found"]);
    assert.deepEqual(await refusal('get', { name: 'idle', keys: 5 }), [5, "'keys' is a list of option names"]);
  });

  it('globaloptions: of the daemon, in order, or one', async () => {
    const { options } = (await ask('globaloptions')) as { options: Record<string, unknown> };
    const names = ['endpoint', 'stats_endpoint', 'pubsub_endpoint', 'check_delay', 'multicast_endpoint'];
    assert.deepEqual(Object.keys(options), names);
    assert.equal(options['endpoint'], session.daemon.endpoint);
    assert.deepEqual(await ask('globaloptions', { option: 'check_delay' }), {
      status: 'ok',
      options: { check_delay: 5 },
    });
    assert.deepEqual(await refusal('globaloptions', { option: 'x' }), [3, "'x' not an existing option"]);
  });

  it('listsockets: by descriptor, with address or path', async () => {
    const { sockets } = (await ask('listsockets')) as { sockets: Record<string, unknown>[] };
    const fds = sockets.map(({ fd }) => fd as number);
    assert.deepEqual(
      fds,
      [...fds].sort((a, b) => a - b),
    );
    const seen = { queue: 0, queue_limit: 2048, watchers: [] };
    const without = (name: string) => {
      const { fd, port, ...rest } = sockets.find((socket) => socket['name'] === name)!;
      assert.ok((fd as number) >= 64);
      return { ...rest, ...(port !== undefined && { port: (port as number) > 0 }) };
    };
    assert.deepEqual(without('web'), { name: 'web', backlog: 2048, host: '127.0.0.1', port: true, ...seen });
    assert.deepEqual(without('unix'), { name: 'unix', backlog: 2048, path: './app.sock', ...seen });
  });

  it('stats: an INFO object for each process, its children in it', async () => {
    const [first] = await session.pids('big cat');
    const { infos } = (await ask('stats')) as { infos: Record<string, Record<string, Record<string, unknown>>> };
    assert.deepEqual(Object.keys(infos), ['Big Cat', 'idle']);
    const info = infos['Big Cat']![String(first)]!;
    const { mem_info1, mem_info2, mem, ctime, create_time, started, age, username, ...rest } = info;
    assert.match(mem_info1 as string, /^\d+(\.\d\d[KMG]|B)$/);
    assert.match(mem_info2 as string, /^\d+(\.\d\d[KMG]|B)$/);
    assert.match(ctime as string, /^\d+:\d\d\.\d\d$/);
    for (const [value, least] of [
      [mem, 0],
      [create_time, 1e9],
      [started, 1e9],
      [age, 0],
    ])
      assert.ok((value as number) >= (least as number));
    assert.equal(username, process.env['USER'] ?? username);
    assert.deepEqual(rest, { cpu: 0, pid: first, nice: 0, cmdline: 'sleep', children: [], wid: 1 });

    const of = await ask('stats', { name: 'BIG cat' });
    assert.equal(of['name'], 'BIG cat');
    assert.deepEqual(Object.keys(of['info'] as object).sort(), (await session.pids('big cat')).map(String).sort());
    const one = await ask('stats', { name: 'big cat', process: String(first) });
    assert.deepEqual([one['process'], (one['info'] as Reply)['pid']], [String(first), first]);
    assert.deepEqual(await refusal('stats', { name: 'idle', process: 1 }), [3, "process 1 not found in 'idle'"]);
    assert.equal((await ask('stats', { name: 'idle', process: 'x' }))['errno'], 5);
  });

  it('dstats: one INFO object for the daemon', async () => {
    const { info } = (await ask('dstats')) as { info: Record<string, unknown> };
    assert.equal(info['pid'], session.daemon.pid);
    assert.deepEqual(info['children'], []);
    assert.equal(info['cmdline'], 'node');
  });

  it('listen: is not a question', async () => {
    assert.deepEqual(await refusal('listen'), [3, 'invalid message. use a pub/sub socket']);
  });

  it('plan: what the files say that is not so', async () => {
    const { problems, ...plan } = await ask('plan');
    assert.deepEqual(plan, { status: 'ok', changes: [], drift: [] });
    assert.match(String(problems), /"colour" is not an option of a watcher/);
  });
});
