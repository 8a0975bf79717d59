import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect, type Reply } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[plugin:flapping]
use = circus.plugins.flapping.Flapping
retry_in = 0.1
max_retry = 2

[watcher:crash]
cmd = sh -c 'exit 3'

[watcher:calm]
cmd = sleep 600
`;

describe('flapping in a real daemon', () => {
  const temporary = temporaryPerTest();
  const start = daemonPerTest();
  closeClients();

  it('gives up a program that ends at once, though the kernel slows it down, until an operator starts it', async () => {
    const daemon = await start(ini);
    const client = connect(daemon);
    const gaveUp = () =>
      eventually(async () => assert.equal((await client.ask('status', { name: 'crash' }))['state'], 'gave-up'));
    await gaveUp();
    await eventually(() => daemon.log.includes('reached max retry limit'));
    const told = [...daemon.log.matchAll(/crash: flapping detected: ([^"]*)/g)].map(([, words]) => words);
    assert.deepEqual(told, [
      'retry in 0.1s (attempt number 1)',
      'retry in 0.1s (attempt number 2)',
      'reached max retry limit',
    ]);
    const { reason } = await client.ask('status', { name: 'crash' });
    assert.match(String(reason), /^gave up: process \d+ exited with code 3/);
    assert.equal((await client.ask('status', { name: 'calm' }))['status'], 'active');

    assert.equal((await client.ask('start', { name: 'crash' }))['status'], 'ok');
    await eventually(() => assert.equal(daemon.log.match(/attempt number 1\)/g)?.length, 2));
  });

  it('is loaded by a key of a watcher, and says where a wrong option is', async () => {
    const daemon = await start(ini.replace(/\[plugin[^]*?\n\n/, '').replace("3'\n", "3'\nflapping.retry_in = 60\n"));
    await eventually(() => assert.match(daemon.log, /crash: flapping detected: retry in 60s/));
    const wrong = await start(ini.replace('retry_in = 0.1', 'retry_in = soon'));
    assert.match(
      wrong.log,
      /circus.ini:\d+:12: .*option \\"retry_in\\" of plugin \\"flapping\\": \\"soon\\" is not a number/,
    );
    await eventually(async () => assert.equal((await connect(wrong).ask('status'))['status'], 'ok'));
  });

  it('has wrong options of watchers told by --check, with their places', async () => {
    const lines = [
      ['windw = 10', 'is no option (did you mean "flapping.window"?)'],
      ['attempts = abc', 'has a wrong value: "abc" is not a whole number'],
      ['max_retry = -2', 'has a wrong value: it is at least -1'],
    ] as const;
    const watchers = lines.map(([line], at) => `[watcher:w${at}]\ncmd = sleep 600\nflapping.${line}\n`);
    const file = temporary.write(
      'a.ini',
      `${watchers.join('')}[watcher:good]\ncmd = sleep 600\nflapping.window = 1m\n`,
    );
    const { code, stderr } = await runCircusd(['--check', file]);
    assert.equal(code, 1);
    const told = stderr.trim().split('\n');
    assert.equal(told.length, lines.length, stderr);
    for (const [at, [line, message]] of lines.entries()) {
      const key = `flapping.${line.split(' ')[0]}`;
      const place = `${file}:${at * 3 + 3}:${key.length + 4}: `;
      assert.ok(told[at]!.includes(`${place}"${key}" ${message}; [watcher:w${at}] is left out`), told[at]);
    }
  });

  it('shows the budget in status and explain', async () => {
    const crash = `cmd = sh -c 'exit 3'\nflapping.attempts = 1\nflapping.jitter = 0\n`;
    const daemon = await start(
      `[watcher:crash]\n${crash}flapping.retry_in = 600\n` +
        `[watcher:spent]\n${crash}flapping.max_retry = 0\nflapping.retry_later = 300\n[watcher:calm]\ncmd = sleep 600\n`,
    );
    const client = connect(daemon);
    await eventually(async () =>
      assert.deepEqual((await client.ask('status'))['notes'], {
        crash: '4 of 5 left, next try in 10 min',
        spent: 'half-open, next try in 5 min',
      }),
    );
    const line =
      /^crash: stopped \(retrying: process \d+ exited with code 3 after \d\.\d s\) \(4 of 5 left, next try in 10 min\)$/m;
    assert.match((await daemon.ctl('status')).stdout, line);
    const { flapping, text } = await client.ask('explain', { name: 'crash' });
    const [place] = (flapping as { readonly places: readonly Readonly<Record<string, number>>[] }).places;
    const { in: seconds, ...rest } = place!;
    assert.ok(seconds! > 500 && seconds! <= 600);
    assert.deepEqual(rest, { wid: 1, tries: 1, left: 4, half_open: false });
    assert.match(String(text), /^Place 1 has 4 of 5 tries left, then one is made every 60 s\.$/m);
    assert.match(
      String((await client.ask('explain', { name: 'spent' }))['text']),
      /^Place 1 is half-open, its 0 tries are used up: one place of the watcher is tried every 5 min\.$/m,
    );
    const { events } = await client.ask('events', { watcher: 'spent' });
    const told = (events as readonly Reply[])
      .filter(({ topic }) => topic === 'watcher.spent.half_open')
      .map((event) => [event['wid'], event['in']]);
    assert.deepEqual(told, [[1, 300]]);
    assert.match(daemon.log, /spent: place 1 has failed again: half-open, next try in 5 min/);
    // An operator's start ends the pause.
    await client.ask('start', { name: 'crash', waiting: true });
    await eventually(async () => assert.equal((await client.ends('crash')).length, 2));
  });

  it('tells of a watcher that runs once how it ended, and a start runs it again', async () => {
    const once = (code: number) => `cmd = sh -c 'exit ${code}'\nrespawn = False\n`;
    const daemon = await start(
      `[watcher:plain]\n${once(4)}[watcher:fine]\n${once(3)}success_exit_codes = 3\n` +
        `[watcher:bad]\n${once(5)}success_exit_codes = 3\n[watcher:last]\ncmd = sh -c 'exit 78'\nno_restart_exit_codes = 78\n`,
    );
    const client = connect(daemon);
    const ended = (code: number) => `stopped \\(completed: process \\d+ exited with code ${code} after \\d\\.\\d s\\)`;
    await eventually(async () => {
      const { stdout } = await daemon.ctl('status');
      assert.match(stdout, new RegExp(`^plain: ${ended(4)}$`, 'm'));
      assert.match(stdout, new RegExp(`^fine: ${ended(3)} \\(success\\)$`, 'm'));
      assert.match(stdout, new RegExp(`^bad: ${ended(5)} \\(failure\\)$`, 'm'));
      assert.match(stdout, new RegExp(`^last: ${ended(78)}$`, 'm'));
    });
    const explained = async (name: string) => {
      const { text, state, flapping, last_exit } = await client.ask('explain', { name });
      assert.equal(state, 'completed');
      return [text, (flapping as Reply | undefined)?.['success'], (last_exit as Reply)['code']] as const;
    };
    const [fine, bad, last] = [await explained('fine'), await explained('bad'), await explained('last')];
    assert.match(String(fine[0]), /^That end is a success\.$/m);
    assert.match(String(bad[0]), /^That end is a failure: it is neither code 0 nor one of success_exit_codes\.$/m);
    assert.match(String(last[0]), /^It is not restarted after that end, as no_restart_exit_codes says\.$/m);
    assert.deepEqual(
      [fine.slice(1), bad.slice(1), last.slice(1)],
      [
        [true, 3],
        [false, 5],
        [undefined, 78],
      ],
    );
    const again = await daemon.ctl('start', '--waiting', 'fine');
    assert.deepEqual([again.code, again.stderr], [0, '']);
    await eventually(async () => assert.equal((await client.ends('fine')).length, 2));
  });

  it('is loaded by its keys at run time, for that watcher alone', async () => {
    const loop = `sh -c 'exit 3'`;
    const daemon = await start(`[watcher:a]\ncmd = ${loop}\nrespawn = False\n[watcher:b]\ncmd = ${loop}\n`);
    const client = connect(daemon);
    const set = async (options: unknown) => {
      const { status, reason } = await client.ask('set', { name: 'a', options, waiting: true });
      return status === 'ok' ? 'ok' : reason;
    };
    assert.equal(await set({ success_exit_codes: [3, 'SIGTERM'], respawn: true }), 'ok');
    assert.equal(
      await set({ 'flapping.retry_max': 5 }),
      `hook "watcherSpec" refused: flapping ("flapping.retry_max" is below retry_in, which is 7 s)`,
    );
    assert.match(String(await set({ no_restart_exit_codes: 'SIGTREM' })), /did you mean "SIGTERM"/);
    const { options } = await client.ask('options', { name: 'a' });
    assert.deepEqual((options as Reply)['success_exit_codes'], [3, 'SIGTERM']);
    assert.equal(await set({ success_exit_codes: [], 'flapping.then': 'give_up', 'flapping.max_retry': 0 }), 'ok');
    await client.ask('start', { name: 'a' });
    await eventually(async () => assert.equal((await client.ask('status', { name: 'a' }))['state'], 'gave-up'));
    await eventually(async () => assert.ok((await client.ends('b')).length >= 5));
    assert.doesNotMatch(daemon.log, /\bb: (flapping|place)/);
  });

  it('takes new options at once, from a file or with a new watcher, and replaces nothing for them', async () => {
    const before = '[watcher:calm]\ncmd = sleep 600\nsuccess_exit_codes = 3\nflapping.retry_max = 30\n';
    const daemon = await start(before);
    const client = connect(daemon);
    const file = `${daemon.folder.path}/circus.ini`;
    const pids = await eventually(async () => {
      const all = await client.pids('calm');
      assert.equal(all.length, 1);
      return all;
    });
    writeFileSync(file, readFileSync(file, 'utf8').replace('codes = 3', 'codes = 3 TERM').replace('= 30', '= 40'));
    const { changes } = await client.ask('reloadconfig', { waiting: true });
    const [{ cost, keys }] = changes as [{ cost: unknown; keys: readonly Reply[] }];
    assert.deepEqual([cost, keys.map(({ key }) => key)], ['hot', ['flapping.retry_max', 'success_exit_codes']]);
    assert.deepEqual(await client.pids('calm'), pids);
    const { options } = await client.ask('get', { name: 'calm', keys: ['flapping.retry_max', 'success_exit_codes'] });
    assert.deepEqual(options, { 'flapping.retry_max': '40', success_exit_codes: '3 TERM' });
    const add = (no_restart_exit_codes: unknown) =>
      client.ask('add', { name: 'new', cmd: `sh -c 'exit 3'`, options: { no_restart_exit_codes }, start: true });
    assert.match(
      String((await add('SIGTREM'))['reason']),
      /neither an exit code nor a signal \(did you mean "SIGTERM"\?\)/,
    );
    assert.equal((await add([3]))['status'], 'ok');
    await eventually(async () => assert.equal((await client.ask('status', { name: 'new' }))['state'], 'completed'));
  });
});
