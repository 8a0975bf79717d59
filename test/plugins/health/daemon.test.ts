import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { circusdPerTest, runCircusd, type Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { temporaryPerTest } from '../../support/temporary.js';

const server = inRoot('test', 'fixtures', 'programs', 'serve-by.py');
const served = (options = '', gate = '') => `
[socket:web]
host = 127.0.0.1
port = 0

[watcher:web]
cmd = /usr/bin/python3 ${server} epoll $(circus.sockets.web) ${gate}
use_sockets = True
${options}
`;
const sleeper = (options: string) => `[watcher:web]\ncmd = sleep 600\n${options}\n`;

describe('health in a real daemon', () => {
  const begin = circusdPerTest();
  const start: typeof begin = (ini, options) =>
    begin(ini, { ready: ({ log }) => log.includes('web started'), ...options });
  const temporary = temporaryPerTest();
  const pids = async (daemon: Circusd) =>
    ((await daemon.json('list', 'web')) as { readonly pids: readonly number[] }).pids;
  const eventsOf = async (daemon: Circusd) =>
    ((await daemon.json('events')) as { readonly events: readonly Readonly<Record<string, unknown>>[] }).events;

  it('a reload whose new process hangs fails as a job, and an event tells why', async () => {
    const daemon = await start(served('ready.listen = 1\nready.timeout = 1', './gate'), { files: { gate: '' } });
    const [old] = await pids(daemon);
    rmSync(`${daemon.folder.path}/gate`);
    const { code, stderr } = await daemon.ctl('reload', 'web', '--waiting');
    assert.notEqual(code, 0);
    const reason =
      /process \d+ did not become ready: refused by health \(ready.listen: it does not accept on its sockets, for 1 s\)/;
    assert.match(stderr, reason);
    assert.deepEqual(await pids(daemon), [old]);
    const events = await eventsOf(daemon);
    assert.match(String(events.find(({ topic }) => topic === 'watcher.web.reload_aborted')?.['reason']), reason);
    assert.ok(!events.some(({ topic, process_pid }) => topic === 'watcher.web.kill' && process_pid === old));
  });

  it('explain says by which rule a process counts as ready, and that it does nothing about its stop signal', async () => {
    const daemon = await start(served('stop_signal = USR1'));
    const { stdout } = await daemon.ctl('explain', 'web');
    const notes = [
      'It counts as ready: ready.listen: it has it in an epoll set.',
      'It has no handler for SIGUSR1: a stop cuts the requests it is at.',
    ];
    assert.equal(/has been ready for [\d.]+ s\. (.*)/.exec(stdout)?.[1], notes.join(' '), stdout);
    const { processes } = (await daemon.json('explain', 'web')) as {
      readonly processes: readonly { readonly notes: readonly string[] }[];
    };
    assert.deepEqual(processes[0]!.notes, notes);
  });

  it('a watcher that uses sockets loads it, and one without does not', async () => {
    const isShown = async (ini: string) =>
      (await runCircusd(['--show-config', temporary.write('a.ini', ini)])).stdout.includes('[plugin:health]');
    assert.equal(await isShown(served()), true);
    assert.equal(await isShown(served().replace('use_sockets = True', '')), false);
    assert.equal(await isShown(sleeper('notify = all')), true);
  });

  it('a process that fails its check is replaced, and an event says so', async () => {
    const options = 'alive.exec = test -e well\nalive.interval = 0.4\nworking_dir = .';
    const daemon = await start(sleeper(options), { files: { well: '' } });
    const [old] = await pids(daemon);
    rmSync(`${daemon.folder.path}/well`);
    await eventually(async () => assert.notEqual((await pids(daemon))[0] ?? old, old));
    daemon.folder.write('well', '');
    const told = (await eventsOf(daemon)).find(({ topic }) => topic === 'watcher.web.unhealthy');
    assert.equal(told?.['process_pid'], old);
    assert.match((await daemon.ctl('history', 'web')).stdout, /killed by plugin health/);
  });
});
