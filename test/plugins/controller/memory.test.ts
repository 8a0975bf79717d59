import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Dealer } from 'zeromq';
import { memoryMeter } from '#plugins/controller/outbox.js';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const mebibyte = 2 ** 20;
/** The most memory that was ever resident, in MiB. */
const peak = ({ pid }: Circusd) =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

describe('replies that nobody reads', () => {
  const start = daemonPerTest();
  closeClients();

  it('are told of when 128 MiB more are in use, and then again after 128 more', () => {
    let inUse = 100 * mebibyte;
    let told = 0;
    const sent = memoryMeter(
      () => told++,
      () => inUse,
    );
    inUse = 300 * mebibyte;
    sent(7 * mebibyte);
    assert.equal(told, 0);
    sent(mebibyte);
    assert.equal(told, 1);
    inUse = 400 * mebibyte;
    for (let count = 0; count < 100; count++) sent(mebibyte);
    assert.equal(told, 1);
    inUse = 500 * mebibyte;
    for (let count = 0; count < 100; count++) sent(mebibyte);
    assert.equal(told, 2);
  });

  it('end with their connections when they take too much memory, and others are answered', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\nautostart = False\n');
    const client = connect(daemon);
    const options = { env: { BIG: 'x'.repeat(900_000) } };
    assert.equal((await client.ask('add', { name: 'big', cmd: 'sleep 600', options }))['status'], 'ok');
    const deaf = new Dealer({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 1 });
    try {
      deaf.connect(daemon.endpoint);
      const request = '{"command": "options", "properties": {"name": "big"}}';
      for (let count = 0; count < 3000; count++) await deaf.send(request);
      await eventually(() => daemon.log.includes('do not read what they are sent'), { within: 15_000 });
    } finally {
      deaf.close();
    }
    const other = connect(daemon);
    await eventually(async () => assert.equal((await other.ask('numwatchers'))['numwatchers'], 2));
    assert.ok(peak(daemon) < 1200, `${peak(daemon)} MiB`);
  });
});
