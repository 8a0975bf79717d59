import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { askLag, withReports } from '#plugins/health/lag-reports.js';
import health from '#plugins/health/index.js';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';
import { program, worldPerTest } from './world.js';

const block = `${process.execPath} ${program('block-loop.mjs')}`;

describe('the event loop of a Node program', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  const quick = { 'alive.interval': '0.5', 'alive.timeout': '0.5', 'alive.jitter': '0', 'ready.delay': '0' };
  const add = (
    time: string,
    options: Readonly<Record<string, unknown>> = {},
    cmd = `${block} ${time} ${folder.path}/gate`,
  ) => world().add(cmd, { ...quick, 'alive.loop_lag': '0.2', 'alive.failure_threshold': '2', ...options });
  const lines = () => world().lines.join('\n');

  it('is reported, and a process that is blocked for too long again and again is replaced', async () => {
    const watcher = add('300', { 'alive.loop_lag': '0.1', 'alive.interval': '1' });
    await watcher.start().result;
    const [process] = watcher.processes;
    await eventually(() =>
      assert.match(world().explained(watcher), /Its event loop was blocked for \d+ ms at most when it reported last\./),
    );
    folder.write('gate', '');
    await process!.ended;
    rmSync(`${folder.path}/gate`);
    assert.match(
      lines(),
      /process \d+ is replaced: alive\.loop_lag: it (had its event loop blocked for \d+ ms|has not reported for .*), 2 times/,
    );
  });

  it('may be blocked for as long as it may', async () => {
    folder.write('gate', '');
    const watcher = add('100', { 'alive.loop_lag': '0.9', 'alive.interval': '1' });
    await watcher.start().result;
    const [process] = watcher.processes;
    await eventually(() => assert.ok(process!.age > 4500));
    assert.equal(process!.stopping, undefined);
    assert.doesNotMatch(lines(), /loop_lag/);
  });

  it('that hangs is known by its silence, also after a reload of the plugin', async () => {
    const watcher = add('hang');
    await watcher.start().result;
    const [process] = watcher.processes;
    await eventually(() => assert.match(world().explained(watcher), /Its event loop was blocked/));
    folder.write('gate', '');
    await world().host.reload('health', { plugin: health, options: {} });
    await process!.ended;
    rmSync(`${folder.path}/gate`);
    assert.match(lines(), /alive\.loop_lag: it has not reported for [\d.]+ s: its event loop hangs, 2 times/);
  });

  it('of a program that does not report is not watched, and explain says so', async () => {
    const watcher = add('', {}, 'sh -c "exec sleep 600"');
    await watcher.start().result;
    const [process] = watcher.processes;
    await eventually(() => assert.ok(process!.age > 2500));
    assert.equal(process!.stopping, undefined);
    assert.match(
      world().explained(watcher),
      /It is not watched by alive\.loop_lag: it has not reported its event loop/,
    );
  });

  it('is measured in that process alone: what it starts gets nothing of it', async () => {
    const script = folder.write(
      'parent.cjs',
      `const { execFileSync } = require('node:child_process');
       const env = "process.stdout.write(JSON.stringify([process.env.NODE_OPTIONS, process.env.CIRCUS_LAG, process.env.GIVEN]))";
       require('node:fs').writeFileSync(__dirname + '/told', execFileSync(process.execPath, ['-e', env]));
       setInterval(() => undefined, 1000);`,
    );
    const watcher = world().add(
      `${process.execPath} ${script}`,
      { ...quick, 'alive.loop_lag': '0.2' },
      { env: { GIVEN: 'x' } },
    );
    await watcher.start().result;
    await eventually(() => assert.equal(readFileSync(`${folder.path}/told`, 'utf8'), '[null,null,"x"]'));
    await eventually(() => assert.match(world().explained(watcher), /Its event loop was blocked/));
  });

  it('of a program behind npm is measured all the same', async () => {
    folder.write('package.json', JSON.stringify({ scripts: { start: `${block} hang ${folder.path}/gate` } }));
    const watcher = world().add(
      'npm --silent start',
      { ...quick, 'alive.loop_lag': '0.3', 'alive.failure_threshold': '2' },
      { working_dir: folder.path },
    );
    await watcher.start().result;
    const [process] = watcher.processes;
    await eventually(() => assert.match(world().explained(watcher), /Its event loop was blocked/), { within: 20_000 });
    folder.write('gate', '');
    await process!.ended;
    rmSync(`${folder.path}/gate`);
    assert.match(lines(), /its event loop hangs/);
  });

  it('is told in whole lines, of which the longest counts', () => {
    const first = withReports(undefined, ['5', 'x', ''], 1);
    assert.deepEqual(first, { at: 1, last: 5, longest: 5 });
    assert.deepEqual(withReports(first, ['40', '7'], 2), { at: 2, last: 7, longest: 40 });
    assert.equal(withReports(undefined, [''], 1), undefined);
  });

  it('is asked about what was reported since it was asked last, and about silence', async () => {
    let now = 0;
    const record = { lag: withReports(undefined, ['20', '300'], now) };
    const reporting = { fd: 63, every: 1000, resolution: 20, option: '' };
    const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
    const ask = () => askLag(record, 200, reporting, clock)(new AbortController().signal);
    assert.equal(await ask(), 'had its event loop blocked for 300 ms');
    assert.equal(await ask(), undefined);
    record.lag = withReports(record.lag, ['200'], (now = 1000));
    assert.equal(await ask(), undefined);
    now = 3200;
    assert.equal(await ask(), undefined);
    now = 3201;
    assert.equal(await ask(), 'has not reported for 2.2 s: its event loop hangs');
    record.lag = undefined;
    assert.equal(await ask(), undefined);
  });

  it('is nothing that a program of another language has, which is told with its place', async () => {
    folder.write('run.sh', '#!/usr/bin/python3\n');
    const check = async (cmd: string) => {
      const file = folder.write('a.ini', `[watcher:web]\ncmd = ${cmd}\nalive.loop_lag = 0.5\n`);
      return (await runCircusd(['--check', file])).stderr;
    };
    assert.match(
      await check('/usr/bin/python3 app.py'),
      /a\.ini:3:\d+: "alive\.loop_lag" is about the event loop of Node programs, and "\/usr\/bin\/python3" is none; \[watcher:web\] is left out/,
    );
    assert.match(
      await check('sleep 600'),
      /a\.ini:3:\d+: "alive\.loop_lag" is about the event loop.* "sleep" is none$/m,
    );
    for (const cmd of [block, 'sh -c "exec node x"', 'npm start', 'env node app.js'])
      assert.doesNotMatch(await check(cmd), /event loop/);
  });
});

describe('the event loop, in a daemon that runs', () => {
  const start = daemonPerTest();

  it('is watched from the moment on at which that is asked for, which replaces the processes', async () => {
    const daemon = await start(`[watcher:web]\ncmd = ${block} 10 ./gate\nready_after = 0\ncopy_env = True\n`);
    const pids = () =>
      eventually(async () => {
        const found = await daemon.pids('web');
        assert.equal(found.length, 1);
        return found;
      });
    const [before] = await pids();
    await daemon.json('set', 'web', 'alive.interval', '0.5', 'alive.loop_lag', '0.3', '--waiting');
    const [after] = await pids();
    assert.notEqual(after, before);
    await eventually(async () =>
      assert.match((await daemon.ctl('explain', 'web')).stdout, /Its event loop was blocked for \d+ ms at most/),
    );
    const options = (await daemon.json('options', 'web')) as { readonly options: Readonly<Record<string, unknown>> };
    assert.equal(options.options['alive.loop_lag'], 0.3);
    const { stderr } = await daemon.ctl('set', 'web', 'alive.action', 'drian');
    assert.match(stderr, /"alive\.action" has a wrong value: "drian" is none of .*did you mean "drain"/);
    // What is set while it runs is at once what counts, and replaces nobody.
    await daemon.json('set', 'web', 'alive.action', 'event', '--waiting');
    assert.deepEqual(await pids(), [after]);
    const { stdout } = await daemon.ctl('plan');
    assert.match(stdout, /alive\.action/);
  });
});
