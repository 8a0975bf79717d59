import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket as NetSocket } from 'node:net';
import { duplicate } from '../../core/posix/descriptor.js';
import { Socket } from '../../core/socket.js';
import { socketSpec } from '../../core/spec.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';

describe('an arrival', () => {
  let socket: Socket;
  beforeEach(async () => {
    watchLeftovers();
    socket = await Socket.open(socketSpec({ name: 'web', host: '127.0.0.1', port: 0 }));
  });
  afterEach(async () => {
    socket.close();
    await assertNothingLeft();
  });

  async function client(): Promise<NetSocket> {
    const connection = connect({ port: socket.port, host: '127.0.0.1' });
    await once(connection, 'connect');
    return connection;
  }

  it('is told also when a worker was quicker to take the client', async () => {
    const worker = createServer((connection) => connection.end());
    worker.listen({ fd: duplicate(socket.fd) });
    await once(worker, 'listening');
    for (let round = 0; round < 20; round++) {
      const arrived = new Promise<void>((resolve) => socket.onArrival(resolve));
      const connection = await client();
      await once(connection.resume(), 'close');
      await arrived;
    }
    await new Promise((resolve) => worker.close(resolve));
  });

  it('is told once, also of one who was there before, and not when it was given up', async () => {
    const calls: string[] = [];
    const giveUp = socket.onArrival(() => calls.push('given up'));
    giveUp();
    giveUp();
    const connection = await client();
    await new Promise<void>((resolve) => socket.onArrival(() => resolve(void calls.push('told'))));
    (await client()).destroy();
    assert.deepEqual(calls, ['told']);
    connection.destroy();
  });
});
