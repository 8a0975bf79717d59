import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { Dealer, Subscriber } from 'zeromq';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, listen } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const watchers = Array.from({ length: 40 }, (_, at) => `[watcher:watcher-${at}]\ncmd = sleep 600\nautostart = False\n`);
const ini = `[watcher:web]\ncmd = sleep 600\n${watchers.join('')}`;

const descriptors = ({ pid }: Circusd) => readdirSync(`/proc/${pid}/fd`).length;
/** Resident memory in MiB. */
const memory = ({ pid }: Circusd) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

/** For what a loaded machine needs long for. */
const patience = { within: 20_000 };

/** Waits until the memory is near what it was: what is garbage already may stay for a while. */
const settled = (daemon: Circusd, before: number) =>
  eventually(() => assert.ok(memory(daemon) < before + 40, `${before} MiB, then ${memory(daemon)} MiB`), patience);

/** Connects to a Unix socket, sends some bytes, and is gone without a word. */
function vanish(path: string, bytes: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = dial(path, () => socket.write(bytes, () => socket.destroy()));
    socket.once('error', reject).once('close', () => resolve());
  });
}

describe('the controller in a crowd', () => {
  const start = daemonPerTest();
  closeClients();

  it('forgets a thousand clients that connect and vanish, asking or not', async () => {
    const daemon = await start(ini);
    const client = connect(daemon);
    const path = daemon.endpoint.slice('ipc://'.length);
    await client.ask('status');
    const before = descriptors(daemon);
    for (let round = 0; round < 10; round++) {
      const garbage = Array.from({ length: 50 }, () => vanish(path, 'GET / HTTP/1.1\r\n\r\n'));
      const asking = Array.from({ length: 50 }, async () => {
        const dealer = new Dealer({ linger: 0 });
        dealer.connect(daemon.endpoint);
        await dealer.send('{"command": "status"}');
        dealer.close();
      });
      await Promise.all([...garbage, ...asking]);
      assert.equal((await client.ask('numwatchers'))['numwatchers'], 41);
    }
    await eventually(() => assert.ok(descriptors(daemon) <= before + 5, `${descriptors(daemon)} after ${before}`));
  });

  it('does not keep what a client never reads', async function () {
    this.timeout(4 * patience.within);
    const daemon = await start(ini);
    const client = connect(daemon);
    const deaf = new Dealer({ linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 1 });
    try {
      deaf.connect(daemon.endpoint);
      // The last request shows in the answers that others get: then all have been dealt with.
      const flood = async (requests: number) => {
        for (let count = 1; count < requests; count++) await deaf.send('{"command": "status"}');
        const name = `after-${requests}`;
        await deaf.send(JSON.stringify({ command: 'add', properties: { name, cmd: 'true' } }));
        await eventually(async () => (await client.ask('status', { name }))['status'] === 'stopped', patience);
      };
      await flood(14_000);
      const before = memory(daemon);
      await flood(10_000);
      await settled(daemon, before);
    } finally {
      deaf.close();
    }
  });

  it('does not keep events that a subscriber never reads, and others get them all', async function () {
    this.timeout(4 * patience.within);
    const daemon = await start(ini);
    const client = connect(daemon);
    // One that reads shows when the other one is subscribed too.
    const deaf = new Subscriber({ linger: 0, receiveHighWaterMark: 1 });
    try {
      deaf.connect(`ipc://${daemon.folder.path}/events`);
      deaf.subscribe('');
      const { events } = await listen(daemon, 'web', 'watcher.');
      const options = Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`stdout_stream.x${at}`, 'y']));
      const flood = async (rounds: number) => {
        for (let round = 0; round < rounds; round++) {
          const known = events.length;
          assert.equal((await client.ask('set', { name: 'web', options }))['status'], 'ok');
          await eventually(() => events.length === known + 2000, patience);
        }
      };
      await flood(8);
      const before = memory(daemon);
      await flood(16);
      await settled(daemon, before);
      const numbers = events.map(({ payload }) => Number(payload['seq']));
      assert.deepEqual(
        numbers,
        numbers.map((_, at) => numbers[0]! + at),
      );
      const { next, missed, dropped, events: kept } = await client.ask('events', { since: numbers[0], limit: 1 });
      assert.deepEqual([missed, dropped], [48_000 - 10_000 - 1, 0]);
      assert.deepEqual([(kept as { seq: number }[])[0]!.seq, next], [numbers.at(-1)! - 9999, numbers.at(-1)! - 9999]);
    } finally {
      deaf.close();
    }
  });
});
