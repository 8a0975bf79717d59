import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { ctl, gated, open, plain, reaches, refuses, waitsFor } from './world.js';

describe('what is written and changed about dependencies', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();

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

  it('lets go of what it held back when nobody says anything of it any more', async () => {
    const db = plain('db', 'autostart = False');
    const daemon = await start(plain('web', 'requires = db') + db);
    await waitsFor(daemon, 'web', 'db: ready');
    const written = readFileSync(join(daemon.folder.path, 'circus.ini'), 'utf8');
    daemon.folder.write('circus.ini', written.replace('requires = db', ''));
    await ctl(daemon, 'reloadconfig', '--waiting');
    await reaches(daemon, 'web', 'active');
    await refuses(daemon, /tree/, 'tree');
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
