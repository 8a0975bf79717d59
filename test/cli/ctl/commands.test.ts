import assert from 'node:assert/strict';
import { startCircusd, type Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { table } from '../../../cli/ctl/table.js';

const ini = `
[circus]
check_delay = 0.5
overrides = saved.ini
[watcher:Web]
cmd = sleep 3600
numprocesses = 2
use_sockets = True
[watcher:solo]
cmd = sleep 3600
singleton = True
[watcher:idle]
cmd = sleep 3600
autostart = False
[socket:here]
path = $(circus.env.TMPDIR)/ctl-here.sock
[socket:there]
host = 127.0.0.1
port = 0
`;

describe('circusctl, asking a daemon', () => {
  let daemon: Circusd;
  const asked = new Set<string>();

  /** What circusctl prints; it must be content. */
  async function says(...args: readonly string[]): Promise<string> {
    asked.add(args[0]!);
    const { code, stdout, stderr } = await daemon.ctl(...args);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, `${args.join(' ')}: ${stdout}`);
    return stdout;
  }
  /** What it prints with --json, without what every reply has. */
  async function replies(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { time, id, ...fields } = (await daemon.json(...args)) as Record<string, unknown>;
    assert.equal(typeof time, 'number');
    assert.match(String(id), /^[0-9a-f]{32}$/);
    return fields;
  }

  before('start a daemon', async () => {
    daemon = await startCircusd(ini);
    await eventually(async () => !/starting|waiting/.test((await daemon.ctl('status')).stdout));
    await eventually(async () => (await daemon.ctl('status', 'solo')).stdout === 'active\n');
  });
  after('stop it', async () => {
    if (daemon.running) await daemon.stop();
  });

  it('status', async () => {
    assert.equal(await says('status'), 'Web: active\nidle: stopped\nsolo: active\n');
    assert.equal(await says('status', 'web'), 'active\n');
    assert.deepEqual(await replies('status'), {
      status: 'ok',
      statuses: { Web: 'active', solo: 'active', idle: 'stopped' },
    });
    assert.equal((await replies('status', 'idle'))['status'], 'stopped');
  });

  it('list', async () => {
    assert.equal(await says('list'), 'idle,solo,web\n');
    assert.match(await says('list', 'web'), /^\d+,\d+\n$/);
    assert.equal(await says('list', 'idle'), '\n');
    assert.deepEqual(await replies('list'), { status: 'ok', watchers: ['idle', 'solo', 'web'] });
  });

  it('numprocesses and numwatchers', async () => {
    assert.equal(await says('numprocesses'), '3\n');
    assert.equal(await says('numprocesses', 'web'), '2\n');
    assert.equal(await says('numwatchers'), '3\n');
    assert.deepEqual(await replies('numprocesses', 'web'), { status: 'ok', numprocesses: 2, watcher_name: 'web' });
    assert.deepEqual(await replies('numwatchers'), { status: 'ok', numwatchers: 3 });
  });

  it('options, get and globaloptions', async () => {
    const options = await says('options', 'web');
    for (const line of ['cmd: sleep 3600', 'numprocesses: 2', 'singleton: False', 'uid: ', 'env: '])
      assert.ok(options.split('\n').includes(line), `${line} in\n${options}`);
    assert.equal(await says('get', 'web', 'cmd', 'numprocesses'), 'cmd: sleep 3600\nnumprocesses: 2\n');
    assert.equal(await says('globaloptions', 'check_delay'), 'check_delay: 0.5\n');
    assert.match(await says('globaloptions'), new RegExp(`^endpoint: ${daemon.endpoint}\n`));
    assert.deepEqual(await replies('get', 'web', 'priority'), { status: 'ok', options: { priority: 0 } });
  });

  it('listsockets', async () => {
    const lines = (await says('listsockets')).split('\n');
    assert.equal(lines.length, 3);
    assert.ok(
      lines.some((line) => /^\d+:socket 'here' at \/.*\/ctl-here\.sock$/.test(line)),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => /^\d+:socket 'there' at 127\.0\.0\.1:\d+$/.test(line)),
      lines.join('\n'),
    );
    const { sockets } = await replies('listsockets');
    assert.equal((sockets as unknown[]).length, 2);
  });

  it('stats and dstats', async () => {
    const info = String.raw`\d+  \S+ \S+ -?\d+ [\d.]+[KMG] [\d.]+[KMG] [\d.]+ [\d.]+ \d+:\d\d\.\d+`;
    assert.match(await says('stats', 'web'), new RegExp(`^web:\n(\\d+: ${info}\n){2}$`));
    assert.match(await says('stats'), new RegExp(`^Web:\n(\\d+: ${info}\n){2}`, 'm'));
    const pid = (await says('list', 'solo')).trim();
    assert.match(await says('stats', 'solo', pid), new RegExp(`^${pid}: ${info}\n\n$`));
    assert.match(await says('stats', '--extended', 'solo'), new RegExp(`^solo:\n${pid}: `));
    assert.match(await says('dstats'), new RegExp(`^Main Process:\n    ${daemon.pid}  ${info.slice(5)}\n`));
    const { process: told } = await replies('stats', 'solo', pid);
    assert.equal(told, Number(pid));
  });

  it('start, stop and restart', async () => {
    assert.equal(await says('start', 'idle', '--waiting'), 'ok\n');
    assert.equal(await says('status', 'idle'), 'active\n');
    assert.equal(await says('stop', '--waiting', '--match=regex', 'id.*'), 'ok\n');
    assert.equal(await says('status', 'idle'), 'stopped\n');
    const before = await says('list', 'web');
    assert.equal(await says('restart', 'web', '--waiting'), 'ok\n');
    assert.notEqual(await says('list', 'web'), before);
    const { info } = await replies('start', '--waiting', 'idle');
    assert.deepEqual(Object.keys(info as object).sort(), ['kept', 'started']);
    assert.deepEqual(await replies('stop', 'idle', '--waiting'), { status: 'ok', info: null });
  });

  it('reload', async () => {
    const before = await says('list', 'solo');
    assert.equal(await says('reload', 'solo', '--terminate', '--waiting'), 'ok\n');
    assert.notEqual(await says('list', 'solo'), before);
    const { info } = await replies('reload', 'solo', '--sequential', '--waiting');
    assert.equal((info as { started: unknown[] }).started.length, 1);
  });

  it('incr and decr', async () => {
    assert.equal(await says('incr', 'web', '--waiting'), '3\n');
    assert.equal(await says('decr', 'web', '2', '--waiting'), '1\n');
    assert.equal(await says('incr', 'web'), 'ok\n');
    assert.match(await says('incr', 'solo'), /^This watcher is a Singleton/);
    assert.deepEqual(await replies('decr', 'solo'), { status: 'ok', numprocesses: 1, singleton: true });
  });

  it('set', async () => {
    assert.equal(await says('set', 'idle', 'numprocesses', '3', 'graceful_timeout', '2.5', '--waiting'), 'ok\n');
    assert.equal(
      await says('get', 'idle', 'numprocesses', 'graceful_timeout'),
      'numprocesses: 3\ngraceful_timeout: 2.5\n',
    );
    await says('set', 'idle', 'env', 'B=2,A=1', '--waiting');
    assert.equal(await says('get', 'idle', 'env'), 'env: A=1,B=2\n');
    await says('set', 'idle', 'stop_signal', 'SIGINT', '--waiting');
    assert.deepEqual(await replies('get', 'idle', 'stop_signal'), { status: 'ok', options: { stop_signal: 2 } });
  });

  it('add and rm', async () => {
    assert.equal(await says('add', 'more', 'sleep', '3600'), 'ok\n');
    assert.equal(await says('status', 'more'), 'stopped\n');
    assert.equal(await says('rm', 'more', '--waiting'), 'ok\n');
    const { started } = await replies('add', '--start', '--waiting', 'more', 'sh', '-c', 'exec sleep 3600');
    assert.equal((started as unknown[]).length, 1);
    assert.equal(await says('get', 'more', 'cmd'), "cmd: sh -c 'exec sleep 3600'\n");
    assert.deepEqual(await replies('rm', 'more', '--waiting'), { status: 'ok' });
    assert.equal(await says('list'), 'idle,solo,web\n');
  });

  it('signal and kill', async () => {
    const pid = (await says('list', 'solo')).trim();
    assert.equal(await says('signal', 'solo', pid, '0'), 'ok\n');
    assert.equal(await says('signal', 'solo', '--children', 'cont'), 'ok\n');
    assert.equal(await says('kill', 'solo', pid, '--signum', 'KILL', '--waiting'), 'ok\n');
    await eventually(async () => assert.match(await says('list', 'solo'), /^\d+\n$/));
    assert.notEqual((await says('list', 'solo')).trim(), pid);
    assert.deepEqual(await replies('kill', 'solo', '--graceful_timeout', '1', '--waiting'), { status: 'ok' });
  });

  it('events, history and explain', async () => {
    assert.match(await says('events', '--limit', '1'), /^1 \S+Z watcher\.\w+\.\w+( .*)?\nthere are more: --since 1\n$/);
    assert.match(await says('history', 'solo'), /^TIME +PID [^]* SIGKILL +killed by operator \(job \d+\)\n/);
    assert.match(await says('explain', 'solo'), /^solo has been active for /);
  });

  it('jobs, job, wait and cancel', async () => {
    assert.equal(await says('jobs'), 'nothing is being done\n');
    const { job } = await replies('restart', 'solo');
    assert.match(await says('wait', String(job)), /^job: \d+\nstate: done\ncommand: restart\nwatchers: solo\n/);
    assert.match(await says('job', String(job)), /\nby: operator\n/);
    assert.match(
      await says('jobs', '--all'),
      /^JOB +STATE +COMMAND +WATCHERS +PROGRESS +BY +ASKED\n\d+ +done +restart +solo /,
    );
    asked.add('cancel');
    const { code, stderr } = await daemon.ctl('cancel', String(job));
    assert.deepEqual([code, stderr], [3, `error: job ${String(job)} is over: it is done\n`]);
  });

  it('plan and reloadconfig', async () => {
    assert.match(await says('plan'), /^watcher idle was changed at run time\n {4}/m);
    assert.equal(await says('reloadconfig', '--waiting'), 'ok\n');
    assert.equal((await replies('reloadconfig'))['status'], 'ok');
  });

  it('save', async () => {
    assert.match(await says('save'), /^idle: written to .*saved\.ini/);
    assert.equal(await says('plan'), 'nothing to do\n');
  });

  it('commands', async () => {
    assert.match(await says('commands'), /^ {2}disable NAME \[REASON\.\.\.\] {2}stop watchers/);
    const { commands } = await replies('commands');
    const names = (commands as { readonly name: string }[]).map(({ name }) => name);
    assert.deepEqual(names, ['disable', 'enable', 'rollback']);
  });

  it('groups', async () => {
    assert.equal(await says('groups'), 'no watcher is in a group\n');
    assert.deepEqual(await replies('groups'), { status: 'ok', groups: {} });
  });

  it('quit', async () => {
    assert.equal(await says('quit', '--waiting'), 'ok\n');
    assert.equal(await daemon.stop(), 0);
  });

  it('every command that there is', () => {
    const others = table.map(({ name }) => name).filter((name) => !asked.has(name));
    // Those of plugins are asked in the tests of these.
    assert.deepEqual(others, ['disable', 'enable', 'freeze', 'listen', 'rollback', 'thaw', 'tree']);
  });
});
