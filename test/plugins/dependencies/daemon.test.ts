import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { runCircusd, type Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** A watcher that writes into `notes` when it starts, and a moment after it was asked to stop. */
const noting = (name: string, more = '') => `
[watcher:${name}]
cmd = sh -c 'echo +${name} >> notes; trap "sleep 0.1; echo -${name} >> notes; exit" TERM; while :; do sleep 0.05; done'
${more}
`;
/** A watcher that is ready when there is a file of its name. */
const gated = (name: string, more = '') => noting(name, `ready.exec = test -e ${name}\nready.interval = 0.1\n${more}`);
const plain = (name: string, more = '') => `[watcher:${name}]\ncmd = sleep 600\n${more}\n`;

describe('dependencies in a real daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();

  const statusOf = (daemon: Circusd, name: string) => connect(daemon).ask('status', { name });
  const reaches = (daemon: Circusd, name: string, state: string) =>
    eventually(async () => {
      const { status, state: own = status } = await statusOf(daemon, name);
      assert.equal(own, state);
    });
  const waitsFor = (daemon: Circusd, name: string, what: string) =>
    eventually(async () => {
      const { state, reason } = await statusOf(daemon, name);
      assert.deepEqual([state, reason], ['waiting', `waiting for ${what}`]);
    });
  const notes = (daemon: Circusd) => {
    const file = join(daemon.folder.path, 'notes');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  };
  const open = (daemon: Circusd, name: string) => daemon.folder.write(name, '');
  const ctl = async (daemon: Circusd, ...words: readonly string[]) => {
    const { code, stdout, stderr } = await daemon.ctl(...words);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const refuses = async (daemon: Circusd, message: RegExp, ...words: readonly string[]) => {
    const { code, stderr } = await daemon.ctl(...words);
    assert.notEqual(code, 0);
    assert.match(stderr, message);
  };

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

  it('waits for no more than the condition says', async () => {
    const daemon = await start(
      gated('db') + noting('early', 'requires = db started') + noting('late', 'requires = db'),
    );
    await reaches(daemon, 'early', 'active');
    assert.equal((await statusOf(daemon, 'db'))['status'], 'starting');
    await waitsFor(daemon, 'late', 'db: ready');
    open(daemon, 'db');
    await reaches(daemon, 'late', 'active');
  });

  it('waits for one that completes, and for how', async () => {
    const once = 'respawn = False\n';
    const daemon = await start(
      `[watcher:migrate]\ncmd = sh -c 'test -e fixed || exit 3'\n${once}` +
        noting('web', 'requires = migrate completed_ok') +
        noting('any', 'requires = migrate completed') +
        noting('usual', 'wants = migrate completed_ok'),
    );
    for (const name of ['any', 'usual']) await reaches(daemon, name, 'active');
    await waitsFor(daemon, 'web', 'migrate: completed_ok');
    assert.match(await ctl(daemon, 'explain', 'web'), /waiting for migrate: completed_ok \(it completed with code 3\)/);
    open(daemon, 'fixed');
    await ctl(daemon, 'start', 'migrate');
    await reaches(daemon, 'web', 'active');
  });

  it('starts without what it only wants, when that gave up or is stopped', async () => {
    const daemon = await start(
      gated('slow') +
        `[watcher:broken]\ncmd = /no/such/program\nmax_retry = 2\n` +
        plain('off', 'autostart = False') +
        noting('one', 'wants = broken') +
        noting('two', 'wants = off') +
        noting('three', 'wants = slow') +
        noting('four', 'requires = broken'),
    );
    for (const name of ['one', 'two']) await reaches(daemon, name, 'active');
    await waitsFor(daemon, 'three', 'slow: ready');
    await waitsFor(daemon, 'four', 'broken: ready');
    assert.match(await ctl(daemon, 'explain', 'four'), /waiting for broken: ready \(it gave up: .*\/no\/such\/program/);
    await ctl(daemon, 'stop', 'slow');
    await reaches(daemon, 'three', 'active');
  });

  it('keeps to the order alone where nothing else is said', async () => {
    const daemon = await start(
      gated('slow', 'ready.timeout = 1\n') + noting('web', 'after = slow, off') + plain('off', 'autostart = False'),
    );
    await waitsFor(daemon, 'web', 'slow: ready');
    // The start of the other is over, though it is not ready.
    await reaches(daemon, 'web', 'active');
    assert.ok(!existsSync(join(daemon.folder.path, 'slow')));
  });

  it('waits for what is outside, and holds up nothing meanwhile', async () => {
    const port = await freePort();
    const daemon = await start(
      noting('web', `requires = tcp://127.0.0.1:${port}, file:$(circus.env.home)/flag`) + noting('log', 'after = web'),
    );
    await waitsFor(daemon, 'web', `tcp://127.0.0.1:${port}, file:${daemon.folder.path}/flag`);
    await eventually(async () =>
      assert.match(await ctl(daemon, 'explain', 'web'), /tcp:\/\/127\.0\.0\.1:\d+ \(refused \d+ s ago\)/),
    );
    open(daemon, 'flag');
    await waitsFor(daemon, 'web', `tcp://127.0.0.1:${port}`);
    const server = createServer((client) => client.destroy()).listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
      for (const name of ['web', 'log']) await reaches(daemon, name, 'active');
      // It is looked for anew when nothing of it lives any more.
      const [pid] = await daemon.pids('web');
      process.kill(pid!, 'SIGKILL');
      await eventually(async () => assert.ok((await daemon.pids('web')).some((one) => one !== pid)));
    } finally {
      server.close();
    }
  });

  it('takes one that starts at its first client for ready', async () => {
    const port = await freePort();
    const daemon = await start(
      `[socket:db]\nhost = 127.0.0.1\nport = ${port}\n` +
        plain('db', 'sockets = db\non_demand = 1') +
        plain('web', 'requires = db'),
    );
    await reaches(daemon, 'web', 'active');
    assert.equal((await statusOf(daemon, 'db'))['state'], 'waiting');
  });

  it('refuses a circle and unknown names by their places, and runs the rest', async () => {
    const ini =
      plain('a', 'requires = b') +
      plain('b', 'after = a') +
      plain('c', 'wants = lgo redy') +
      plain('log') +
      plain('d', 'requires = a');
    const file = temporary.write('circus.ini', ini);
    const { code, stderr } = await runCircusd(['--check', file]);
    assert.equal(code, 1);
    const errors = stderr.split('\n').filter((line) => line.startsWith('error: '));
    assert.deepEqual(
      errors.map((line) => line.replaceAll(`${file}:`, '')),
      [
        'error: 3:12: "requires" has it wait for itself: a -> b -> a; [watcher:a] is left out',
        'error: 6:9: "after" has it wait for itself: b -> a -> b; [watcher:b] is left out',
        'error: 9:9: "wants" names "lgo", which is no watcher (did you mean "log"?); [watcher:c] is left out',
        'error: 9:9: "wants" names "redy", which is neither a watcher nor a condition (did you mean "ready"?); [watcher:c] is left out',
      ],
    );
    const daemon = await start(ini);
    await reaches(daemon, 'log', 'active');
    await waitsFor(daemon, 'd', 'a: ready');
    assert.match(
      await ctl(daemon, 'explain', 'd'),
      /a: ready \(it is left out because of the error at .*circus\.ini:\d+\)/,
    );
  });

  it('refuses the same of what is added, set and taken out at run time', async () => {
    const daemon = await start(plain('db', 'autostart = False'));
    const client = connect(daemon);
    const says = async (command: string, properties: unknown) => (await client.ask(command, properties))['reason'];
    const web = (requires: string) => ({ name: 'web', cmd: 'sleep 600', start: true, options: { requires } });
    assert.match(
      String(await says('add', web('dbb'))),
      /"requires" names "dbb", which is no watcher \(did you mean "db"\?\)/,
    );
    assert.match(String(await says('add', web('db completed'))), /it needs respawn = False/);
    assert.equal(await says('add', web('db')), undefined);
    await waitsFor(daemon, 'web', 'db: ready');
    await refuses(daemon, /"after" has it wait for itself: db -> web -> db/, 'set', 'db', 'after', 'web');
    await refuses(
      daemon,
      /must be ignore, restart or stop, and is "restrt"/,
      'set',
      'web',
      'on_dependency_restart',
      'restrt',
    );
    await refuses(daemon, /'db' is not taken out: watcher "web" names it in what it waits for/, 'rm', 'db');
    await ctl(daemon, 'set', 'web', 'requires', 'db started');
    await waitsFor(daemon, 'web', 'db: started');
    assert.match(await ctl(daemon, 'get', 'web', 'requires'), /^requires: db started$/m);
    await ctl(daemon, 'set', 'web', 'requires', '');
    await reaches(daemon, 'web', 'active');
    await ctl(daemon, 'rm', 'db', '--waiting');
  });

  it('follows a changed file, in which sections may name each other as they come', async () => {
    const daemon = await start(plain('web') + plain('old') + plain('gone', 'after = old'));
    await reaches(daemon, 'gone', 'active');
    const [pid] = await daemon.pids('web');
    const written = readFileSync(join(daemon.folder.path, 'circus.ini'), 'utf8');
    const head = written.slice(0, written.indexOf('[watcher:web]'));
    const change = (text: string) => {
      daemon.folder.write('circus.ini', head + text);
      return daemon.ctl('reloadconfig', '--waiting');
    };
    const sound = plain('web', 'requires = zdb') + plain('a', 'requires = zdb') + gated('zdb');
    daemon.folder.write('circus.ini', head + sound);
    assert.match(await ctl(daemon, 'plan'), /watcher web was changed: takes effect at once/);
    const changed = change(sound);
    await waitsFor(daemon, 'a', 'zdb: ready');
    open(daemon, 'zdb');
    assert.equal((await changed).code, 0);
    await reaches(daemon, 'a', 'active');
    assert.deepEqual(await daemon.pids('web'), [pid]);
    const { code, stderr } = await change(
      plain('web', 'requires = zdb') + plain('a', 'requires = web') + gated('zdb', 'after = a'),
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /circus\.ini:\d+:\d+: "after" has it wait for itself: zdb -> a -> web -> zdb/);
    assert.match(await ctl(daemon, 'explain', 'a'), /^It requires zdb: ready\.$/m);
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
    for (const [at, time] of times.slice(1).entries()) assert.ok(time - times[at]! >= 0.19, `${times.join(' ')}`);
  });

  it('draws the graph', async () => {
    const daemon = await start(
      gated('db') + plain('web', 'requires = db\nwants = log started') + plain('log') + plain('lone'),
    );
    await waitsFor(daemon, 'web', 'db: ready');
    await reaches(daemon, 'log', 'active');
    const lines = (await ctl(daemon, 'tree')).trimEnd().split('\n');
    assert.equal(lines[0], 'web [waiting]');
    assert.match(lines[1]!, /^├─ db \[starting\] requires ready: /);
    assert.deepEqual(lines.slice(2), ['└─ log [active] wants started, met', 'lone [active]']);
    assert.ok(lines.every((line) => line.length <= 80));
    assert.equal(await ctl(daemon, 'tree', 'log'), 'log [active]\n');
    await refuses(daemon, /program lgo not found|lgo/, 'tree', 'lgo');
    const { watchers } = (await daemon.json('tree', 'web')) as {
      readonly watchers: readonly Record<string, unknown>[];
    };
    assert.deepEqual(
      watchers.map(({ name, state, needs }) => [
        name,
        state,
        (needs as { on: string; met: boolean }[]).map(({ on, met }) => [on, met]),
      ]),
      [
        [
          'web',
          'waiting',
          [
            ['db', false],
            ['log', true],
          ],
        ],
      ],
    );
    assert.match(await ctl(daemon, 'help', 'tree'), /Draw which watchers wait for which/);
  });

  it('is read from JSON and YAML too', async () => {
    const sleep = { cmd: 'sleep 600' };
    const watchers = { web: { ...sleep, requires: ['db started', 'log'] }, db: sleep, log: sleep };
    const json = temporary.write('circus.json', JSON.stringify({ watchers }));
    assert.deepEqual(await runCircusd(['--check', json]).then(({ code, stderr }) => [code, stderr]), [0, '']);
    const { stdout } = await runCircusd(['--show-config', json]);
    assert.match(stdout, /^requires = db started, log +;/m);
    const yaml = temporary.write(
      'circus.yaml',
      'watchers:\n  web:\n    cmd: sleep 600\n    requires:\n      - dbb\n  db:\n    cmd: sleep 600\n',
    );
    const { code, stderr } = await runCircusd(['--check', yaml]);
    assert.equal(code, 1);
    assert.match(stderr, /circus\.yaml:4:\d+: "requires" names "dbb"|circus\.yaml:5:\d+: "requires" names "dbb"/);
  });
});
