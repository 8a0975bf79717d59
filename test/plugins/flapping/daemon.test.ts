import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
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
});
