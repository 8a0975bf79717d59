/** Sockets with so_reuseport, of which each place in a watcher has one of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { isOpen } from '../../core/posix/descriptor.js';
import { boundTo } from '../../core/posix/socket.js';
import { Socket } from '../../core/socket.js';
import { socketSpec, type SocketSpec } from '../../core/spec.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';

const opened: Socket[] = [];
async function open(given: Partial<SocketSpec>): Promise<Socket> {
  const socket = await Socket.open(socketSpec({ name: 'web', port: 0, ...given }));
  opened.push(socket);
  return socket;
}

describe('a socket for each place', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    for (const socket of opened.splice(0)) if (isOpen(socket.fd)) socket.close();
    await assertNothingLeft();
  });
  const file = (fd: number) => readlinkSync(`/proc/self/fd/${fd}`);

  for (const type of ['SOCK_STREAM', 'SOCK_DGRAM'] as const) {
    it(`of ${type} is opened when it is asked for, at the same port, and is the same from then on`, async () => {
      const socket = await open({ type, host: '127.0.0.1', so_reuseport: true });
      const seats = [1, 2, 3].map((seat) => socket.seat('a', seat));
      assert.equal(seats[0], socket.fd);
      assert.equal(new Set(seats.map(file)).size, 3);
      assert.deepEqual(
        seats.map((fd) => boundTo(fd).address),
        seats.map(() => ({ host: '127.0.0.1', port: socket.port })),
      );
      assert.equal(socket.seat('a', 2), seats[1]);
    });

    it(`of ${type} is closed when the place is gone, and no client ends up with nobody`, async () => {
      const socket = await open({ type, host: '127.0.0.1', so_reuseport: true });
      const [first, second, third] = [socket.seat('a', 1), socket.seat('a', 2), socket.seat('b', 1)].map(file);
      socket.keepSeats('a', new Set([2]));
      assert.deepEqual(
        [file(socket.fd), file(socket.seat('a', 2)), file(socket.seat('b', 1))],
        [second, second, third],
      );
      assert.ok(!socket.fds.map(file).includes(first!));
      socket.keepSeats('a', new Set());
      assert.deepEqual(socket.fds.map(file), [third]);
      socket.keepSeats('b', new Set());
      assert.deepEqual(socket.fds.map(file), [third], 'the last one holds the port');
    });
  }

  // Which socket a client comes to is the system's choice: of so many, one comes to another than the first.
  for (const way of ['onReadable', 'onArrival'] as const) {
    for (const blocking of [false, true]) {
      it(`is looked at by ${way} whenever it came to be, ${blocking ? 'blocking' : 'not blocking'}`, async () => {
        for (let round = 0; round < 16; round++) {
          const socket = await open({ host: '127.0.0.1', so_reuseport: true, blocking });
          socket.seat('a', 1);
          socket.seat('a', 2);
          const arrived = new Promise<void>((resolve) => socket[way](resolve));
          socket.seat('a', 3);
          // What the system is asked with otherwise lets go of an open file a moment later.
          if (way === 'onReadable' && !blocking) socket.keepSeats('a', new Set([2, 3]));
          const client = connect({ port: socket.port, host: '127.0.0.1' });
          await once(client, 'connect');
          await arrived;
          client.destroy();
          socket.close();
        }
      });
    }
  }

  it('is not looked at any more when that was given up', async () => {
    const socket = await open({ host: '127.0.0.1', so_reuseport: true });
    socket.seat('a', 1);
    const giveUp = socket.onReadable(() => assert.fail('nobody asked'));
    giveUp();
    socket.seat('a', 2);
    const client = connect({ port: socket.port, host: '127.0.0.1' });
    await once(client, 'connect');
    await new Promise<void>((resolve) => socket.onReadable(resolve));
    client.destroy();
  });

  it('is the one for all where that is not asked for', async () => {
    const socket = await open({ host: '127.0.0.1' });
    assert.deepEqual([socket.seat('a', 1), socket.seat('b', 2)], [socket.fd, socket.fd]);
  });
});
