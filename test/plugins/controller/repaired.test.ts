import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { environmentOf } from '../../support/proc.js';
import { closeClients, connect, type Client, type Reply } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[watcher:web]
cmd = sleep 600
ready_after = 0
graceful_timeout = 5
stdout_stream.class = FileStream
stdout_stream.filename = /dev/null

[watcher:deaf]
cmd = sh -c 'trap "" TERM; echo is deaf; while :; do sleep 600; done'
copy_env = True
autostart = False
graceful_timeout = 0.5

[watcher:slow]
cmd = sleep 600
numprocesses = 2
warmup_delay = 600
autostart = False
graceful_timeout = 5

[watcher:missing]
cmd = /nowhere/program
autostart = False
`;

/** The command line of a process; none between its spawn and its program, which is a moment. */
const wordsOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);

/** What Circus gets wrong and we do not: its quirks by number, as in docs/guides/coming-from-circus.md. */
describe('the repaired quirks of Circus', () => {
  const start = daemonPerTest();
  closeClients();
  let daemon: Circusd;
  let client: Client;
  beforeEach(async () => {
    daemon = await start(ini, { env: { FROM_DAEMON: 'yes' } });
    client = connect(daemon);
    await eventually(async () => assert.equal(await client.state('web'), 'active'));
  });
  const startDeaf = async () => {
    await ok('start', { name: 'deaf', waiting: true });
    await eventually(() => daemon.log.includes('is deaf'));
  };
  const ok = async (command: string, properties: unknown): Promise<Reply> => {
    const reply = await client.ask(command, properties);
    assert.equal(reply['errno'], undefined, String(reply['reason']));
    return reply;
  };
  const pid = async (name: string) => eventually(async () => (await client.pids(name))[0]!);
  const get = async (name: string, key: string) =>
    ((await ok('get', { name, keys: [key] }))['options'] as Reply | undefined)?.[key];
  const set = (name: string, options: Reply) => ok('set', { name, options, waiting: true });
  /** What was set counts for the processes that are started from then on. */
  const reload = () => ok('reload', { name: 'web', waiting: true });

  describe('50: set has the effect of', () => {
    const cases: Readonly<Record<string, () => Promise<void>>> = {
      async max_retry() {
        await set('missing', { max_retry: 1 });
        const { state, reason } = await client.ask('start', { name: 'missing', waiting: true });
        assert.deepEqual([state, await client.state('missing')], ['gave-up', 'stopped'], String(reason));
      },
      async respawn() {
        await set('web', { respawn: false });
        process.kill(await pid('web'), 'SIGKILL');
        await eventually(async () => assert.equal(await client.state('web'), 'stopped'));
      },
      async singleton() {
        await set('web', { singleton: true });
        assert.equal((await ok('incr', { name: 'web', waiting: true }))['singleton'], true);
        await set('web', { singleton: false, numprocesses: 2 });
        assert.equal((await client.pids('web')).length, 2);
      },
      async copy_env() {
        const variable = async () => environmentOf(await pid('web'))['FROM_DAEMON'];
        assert.equal(await variable(), undefined);
        await set('web', { copy_env: true });
        await reload();
        await eventually(async () => assert.equal(await variable(), 'yes'));
      },
      async 'close_child_stdout and close_child_stderr'() {
        const outputs = async () => {
          const process = await pid('web');
          return [1, 2].map((fd) => readlinkSync(`/proc/${process}/fd/${fd}`) === '/dev/null');
        };
        assert.deepEqual(await outputs(), [false, false]);
        await set('web', { close_child_stdout: true });
        await reload();
        assert.deepEqual(await outputs(), [true, false]);
        await set('web', { close_child_stderr: true });
        await reload();
        assert.deepEqual(await outputs(), [true, true]);
      },
      async close_child_stdin() {
        const input = async () => readlinkSync(`/proc/${await pid('web')}/fd/0`);
        assert.equal(await input(), '/dev/null');
        await set('web', { close_child_stdin: false });
        assert.equal(await get('web', 'close_child_stdin'), false);
        await reload();
        assert.equal(await input(), readlinkSync(`/proc/${daemon.pid}/fd/0`));
      },
      async 'a whole stream, and of a key of one'() {
        await set('web', { stderr_stream: { class: 'FileStream', filename: '/dev/null' } });
        assert.deepEqual(await get('web', 'stderr_stream_conf'), { filename: '/dev/null' });
        await set('web', { 'stderr_stream.max_bytes': 5, 'stdout_stream.filename': '/dev/zero' });
        assert.deepEqual(await get('web', 'stderr_stream_conf'), { filename: '/dev/null', max_bytes: 5 });
        assert.deepEqual(await get('web', 'stdout_stream_conf'), { filename: '/dev/zero' });
      },
      async 'cmd, args, env and working_dir, which get tells at once'() {
        const options = { cmd: 'sleep', args: ['700'], env: { A: 'b' }, working_dir: '/' };
        // It takes 1 s to be ready, and meanwhile the old one serves.
        await ok('add', { name: 'late', cmd: 'sleep 600', start: true, waiting: true });
        const before = await pid('late');
        await ok('set', { name: 'late', options });
        for (const [key, value] of Object.entries(options)) assert.deepEqual(await get('late', key), value);
        await eventually(async () => assert.ok(!(await client.pids('late')).includes(before)));
        const after = await pid('late');
        await eventually(() => assert.deepEqual(wordsOf(after), ['sleep', '700']));
        assert.deepEqual([environmentOf(after)['A'], readlinkSync(`/proc/${after}/cwd`)], ['b', '/']);
      },
      async 'what a stop cuts off, at the next start'() {
        await ok('add', { name: 'late', cmd: 'sleep 600', start: true, waiting: true });
        await ok('set', { name: 'late', options: { args: '700' } });
        await ok('stop', { name: 'late', waiting: true });
        await ok('start', { name: 'late', waiting: true });
        await eventually(async () => assert.deepEqual(wordsOf(await pid('late')), ['sleep', '600', '700']));
      },
      async 'nothing that could not run, and says so'() {
        const before = await pid('web');
        const properties = { name: 'web', options: { cmd: '/nowhere/program' }, waiting: true };
        const { errno, reason } = await client.ask('set', properties);
        assert.equal(errno, 6, String(reason));
        assert.deepEqual([await client.pids('web'), await get('web', 'cmd')], [[before], 'sleep 600']);
      },
    };
    for (const [what, check] of Object.entries(cases)) it(what, check);
  });

  describe('46, 47: who waits is answered with the reason when a stop cuts off', () => {
    const cases: readonly (readonly [command: string, properties: Reply, errno: number | undefined])[] = [
      ['start', { name: 'slow' }, 6],
      ['restart', { name: 'slow' }, 6],
      ['reload', { name: 'slow' }, 6],
      ['reload', { name: 'slow', graceful: false }, 6],
      ['set', { name: 'slow', options: { cmd: 'sleep 700' } }, 6],
      ['incr', { name: 'slow' }, undefined],
      ['decr', { name: 'slow' }, undefined],
      ['kill', { name: 'slow' }, undefined],
      ['rm', { name: 'slow' }, undefined],
      ['stop', { name: 'slow' }, undefined],
      ['start', { name: 'sl*', match: 'glob' }, 6],
    ];
    for (const [command, properties, errno] of cases) {
      it(`${command} ${JSON.stringify(properties)}`, async () => {
        // What is up has one process and waits 600 s before the second one.
        if (command !== 'start') await ok('start', { name: 'slow' });
        if (command !== 'start') await eventually(async () => assert.equal((await client.pids('slow')).length, 1));
        const asked = await client.begin(command, { ...properties, waiting: true });
        if (command !== 'rm') await eventually(async () => assert.notEqual(await client.state('slow'), 'stopped'));
        await client.ask('stop', { name: 'slow' });
        const reply = await client.answer(asked);
        assert.equal(reply['errno'], errno, JSON.stringify(reply));
        if (errno === 6) assert.match(String(reply['reason']), /stop by operator/);
      });
    }
  });

  it('22, 23: commands and signals during an operation are carried out, not refused and not lost', async () => {
    await startDeaf();
    const stopping = await client.begin('stop', { name: 'deaf', waiting: true });
    await eventually(async () => assert.equal(await client.state('deaf'), 'stopping'));
    const before = await pid('web');
    daemon.signal('SIGHUP');
    assert.equal((await ok('incr', { name: 'web', waiting: true }))['numprocesses'], 2);
    await eventually(async () => assert.ok(!(await client.pids('web')).includes(before)));
    assert.equal((await client.answer(stopping))['status'], 'ok');
    const starting = await client.begin('start', { name: 'slow', waiting: true });
    await eventually(async () => assert.equal((await client.pids('slow')).length, 1));
    daemon.signal('SIGTERM');
    assert.equal((await client.answer(starting))['errno'], 6);
    assert.equal(await daemon.exited, 0);
    await daemon.stop();
  });

  it('49: kill takes its time as text, and the process can be stopped and killed afterwards', async () => {
    await startDeaf();
    const before = await pid('deaf');
    const begun = performance.now();
    await ok('kill', { name: 'deaf', pid: String(before), signum: '15', graceful_timeout: '0.1', waiting: true });
    assert.ok(performance.now() - begun < 400);
    await eventually(async () => assert.ok(!(await client.pids('deaf')).includes(before)));
    await ok('kill', { name: 'deaf', signum: 'SIGKILL', waiting: true });
    await ok('stop', { name: 'deaf', waiting: true });
    assert.deepEqual([await client.state('deaf'), await client.pids('deaf')], ['stopped', []]);
    const { errno, reason } = await client.ask('kill', { name: 'web', graceful_timeout: 'soon' });
    assert.deepEqual([errno, reason], [5, '"soon" is not a number']);
  });

  it('57: the processor time has two digits for each part', async () => {
    const { info } = await ok('stats', { name: 'web' });
    for (const { ctime } of Object.values(info as Record<string, { ctime: string }>))
      assert.match(ctime, /^\d+:\d\d\.\d\d$/);
  });
});
