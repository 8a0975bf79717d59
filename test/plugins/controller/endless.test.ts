/** Messages that never end, from clients that speak ZeroMQ's protocol without ZeroMQ. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect as dial, type Socket } from 'node:net';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** A field of the process's status, in MiB. */
const memory = ({ pid }: Circusd, field: 'VmRSS' | 'VmHWM') =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

const number = (value: number, bytes: number) => Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex');
/** The first half of ZMTP 3.0 without keys: who one is. */
const greeting = Buffer.concat([Buffer.from('ff00000000000000007f0300', 'hex'), Buffer.from('NULL'.padEnd(52, '\0'))]);
const ready = (type: string) => {
  const body = Buffer.concat([Buffer.from('\x05READY\x0bSocket-Type'), number(type.length, 4), Buffer.from(type)]);
  return Buffer.concat([Buffer.from([4, body.length]), body]);
};
const [moreAndLong, onlyLong, moreAndShort] = [3, 2, 1];
const frame = (flags: number, size: number, body: Buffer) =>
  Buffer.concat([Buffer.from([flags]), number(size, flags === moreAndShort ? 1 : 8), body]);

describe('a message without an end', () => {
  const start = daemonPerTest();
  closeClients();
  const open = new Set<Socket>();
  afterEach('hang up', () => {
    for (const socket of open) socket.destroy();
    open.clear();
  });

  /** Connects to a Unix socket as a socket of this type, and sends the same bytes again and again; resolves when it is thrown out. */
  async function pour(path: string, type: string, bytes: Buffer): Promise<void> {
    const socket = dial(path);
    open.add(socket);
    const more = () => {
      while (!socket.destroyed && socket.write(bytes));
    };
    let heard = 0;
    const listen = (data: Buffer) => {
      heard += data.length;
      // Its READY follows its greeting; what comes before that is no message.
      if (heard <= greeting.length) return;
      socket.off('data', listen).resume().on('drain', more);
      more();
    };
    socket.on('error', () => undefined).on('data', listen);
    socket.write(Buffer.concat([greeting, ready(type)]));
    await new Promise((resolve) => socket.once('close', resolve));
  }

  const floods = {
    'of large frames': ['control', 'DEALER', frame(moreAndLong, 2 ** 20, Buffer.alloc(2 ** 20))],
    'of empty frames': ['control', 'DEALER', Buffer.alloc(2 ** 16, frame(moreAndShort, 0, Buffer.alloc(0)))],
    'of large frames, where events are published': ['events', 'SUB', frame(moreAndLong, 4096, Buffer.alloc(4096))],
  } as const;

  for (const [name, [where, type, bytes]] of Object.entries(floods))
    it(`${name} ends with its connection, and others are answered`, async function () {
      this.timeout(60_000);
      const daemon = await start('[watcher:web]\ncmd = sleep 600\n');
      const client = connect(daemon);
      assert.equal((await client.ask('numwatchers'))['numwatchers'], 1);
      const before = memory(daemon, 'VmRSS');
      await pour(`${daemon.folder.path}/${where}`, type, bytes);
      await eventually(() => assert.match(daemon.log, /send messages without an end, or do not read/));
      await eventually(async () => assert.equal((await connect(daemon).ask('numwatchers'))['numwatchers'], 1), {
        within: 15_000,
      });
      assert.ok(memory(daemon, 'VmHWM') < 1200, `${memory(daemon, 'VmHWM')} MiB`);
      await eventually(() => assert.ok(memory(daemon, 'VmRSS') < before + 128, `${memory(daemon, 'VmRSS')} MiB`), {
        within: 15_000,
      });
    });

  it('of a single frame is not even begun', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\n');
    for (const [where, type] of [
      ['control', 'DEALER'],
      ['events', 'SUB'],
    ] as const) {
      await pour(`${daemon.folder.path}/${where}`, type, frame(onlyLong, 2 ** 40, Buffer.alloc(0)));
    }
    assert.equal((await connect(daemon).ask('numwatchers'))['numwatchers'], 1);
    assert.doesNotMatch(daemon.log, /all connections were ended/);
  });
});
