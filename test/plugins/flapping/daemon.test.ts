import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
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
});
