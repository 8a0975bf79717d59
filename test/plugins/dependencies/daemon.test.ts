import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { closeClients } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { ctl, gated, notes, noting, open, plain, reaches, statusOf, waitsFor } from './world.js';

describe('dependencies in a real daemon', () => {
  const start = daemonPerTest();
  closeClients();

  it('starts along the graph, and says meanwhile what each one waits for', async () => {
    const port = await freePort();
    const daemon = await start(
      plain('db', `ready.tcp = ${port}`) +
        plain('web', 'requires = db') +
        plain('api', 'requires = web') +
        plain('log'),
    );
    await waitsFor(daemon, 'web', 'db: ready');
    await waitsFor(daemon, 'api', 'web: ready');
    await reaches(daemon, 'log', 'active');
    assert.match(await ctl(daemon, 'status'), /^web: stopped \(waiting for db: ready\)$/m);
    await eventually(async () =>
      assert.match(
        await ctl(daemon, 'explain', 'web'),
        new RegExp(`waiting for db: ready \\(tcp ${port} refused \\d+ s ago\\)`),
      ),
    );
    assert.match(await ctl(daemon, 'explain', 'db'), /^Waiting for it: web \(ready\)\.$/m);
    const { waits_for, needed_by } = (await daemon.json('explain', 'web')) as Record<string, Record<string, unknown>[]>;
    assert.deepEqual(
      waits_for!.map(({ on, kind, condition, awaited }) => [on, kind, condition, awaited]),
      [['db', 'requires', 'ready', true]],
    );
    assert.deepEqual(needed_by, [{ name: 'api', kind: 'requires', condition: 'ready', awaited: true }]);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      for (const name of ['db', 'web', 'api']) await reaches(daemon, name, 'active');
    } finally {
      server.close();
    }
  });

  it('stops backwards, also all of them, and at the end of the daemon', async () => {
    const order = ['-api', '-web', '-db'];
    const daemon = await start(
      noting('web', 'requires = db started') + noting('db') + noting('api', 'after = web\nwants = db') + noting('log'),
    );
    const all = (sign: string) =>
      eventually(() => assert.equal(notes(daemon).filter((one) => one[0] === sign).length, 4));
    await all('+');
    const clear = () => daemon.folder.write('notes', '');
    const chain = () => notes(daemon).filter((note) => note[0] === '-' && note !== '-log');
    clear();
    await ctl(daemon, 'stop', '--waiting');
    assert.deepEqual(chain(), order);
    clear();
    await ctl(daemon, 'start', '--waiting');
    await all('+');
    clear();
    await ctl(daemon, 'restart', '--waiting');
    await all('+');
    assert.deepEqual(chain(), order);
    const started = notes(daemon).filter((note) => note[0] === '+' && note !== '+log');
    assert.deepEqual(started, ['+db', '+web', '+api']);
    clear();
    const ended = daemon.exited.then(() => chain());
    daemon.signal('SIGTERM');
    assert.deepEqual(await ended, order);
    await daemon.stop();
  });

  it('has a stuck one delay its own branch only', async () => {
    const daemon = await start(
      gated('stuck') +
        noting('behind', 'requires = stuck') +
        noting('db') +
        noting('web', 'requires = db\nafter = log') +
        noting('log'),
    );
    await reaches(daemon, 'web', 'active');
    await waitsFor(daemon, 'behind', 'stuck: ready');
    open(daemon, 'stuck');
    await reaches(daemon, 'behind', 'active');
  });

  it('waits when it is started by hand, and starts when what it requires is there', async () => {
    const off = 'autostart = False\n';
    const daemon = await start(
      noting('db', off) + noting('web', `requires = db\n${off}`) + noting('api', `requires = web\n${off}`),
    );
    assert.equal((await statusOf(daemon, 'web'))['status'], 'stopped');
    const { code, stderr } = await daemon.ctl('start', 'web', '--waiting');
    assert.notEqual(code, 0);
    assert.match(stderr, /it is waiting for db: ready/);
    await ctl(daemon, 'start', 'db');
    await reaches(daemon, 'web', 'active');
    assert.deepEqual(notes(daemon), ['+db', '+web']);
    assert.equal((await statusOf(daemon, 'api'))['state'] ?? 'stopped', 'stopped');
  });

  it('never overrules who stopped it, and leaves what runs alone', async () => {
    const daemon = await start(gated('db') + noting('web', 'requires = db') + noting('api', 'requires = db'));
    await waitsFor(daemon, 'web', 'db: ready');
    // Before its turn has come.
    await ctl(daemon, 'stop', 'web', '--waiting');
    open(daemon, 'db');
    await reaches(daemon, 'api', 'active');
    const [pid] = await daemon.pids('api');
    await ctl(daemon, 'restart', 'db', '--waiting');
    await ctl(daemon, 'stop', 'db', '--waiting');
    assert.deepEqual(await daemon.pids('api'), [pid]);
    assert.deepEqual(
      notes(daemon).filter((note) => note.endsWith('web')),
      [],
    );
    // With nothing of it left, it waits.
    process.kill(pid!, 'SIGKILL');
    await waitsFor(daemon, 'api', 'db: ready');
    await ctl(daemon, 'stop', 'api', '--waiting');
    await ctl(daemon, 'start', 'db', '--waiting');
    await ctl(daemon, 'start', 'web', '--waiting');
    assert.equal((await statusOf(daemon, 'api'))['status'], 'stopped');
  });

  it('keeps priorities and the pauses between starts beside the graph', async () => {
    const head = '[circus]\nwarmup_delay = 0.2\n';
    const text =
      noting('web', 'priority = 9\nrequires = db') + noting('db') + noting('mid', 'priority = 5') + noting('low');
    const daemon = await start(head + text);
    await eventually(() => assert.deepEqual(notes(daemon), ['+db', '+web', '+mid', '+low']));
    const times = await Promise.all(
      ['db', 'web', 'mid', 'low'].map(async (name) => {
        const { processes } = (await daemon.json('explain', name)) as {
          readonly processes: readonly { readonly started: number }[];
        };
        return processes[0]!.started;
      }),
    );
    for (const [at, time] of times.slice(1).entries()) assert.ok(time - times[at]! >= 0.19, times.join(' '));
  });
});
