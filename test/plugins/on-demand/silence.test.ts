import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server } from 'node:net';
import { Arbiter, Host, socketSpec, watcherSpec, type Socket } from '#core';
import onDemand from '#plugins/on-demand/index.js';
import { haveConnections } from '#plugins/on-demand/connections.js';
import { Silence } from '#plugins/on-demand/silence.js';
import { duplicate } from '../../../core/posix/descriptor.js';
import { FakeClock } from '../../support/clock.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('on-demand', () => {
  const temporary = temporaryPerTest();
  let clock: FakeClock;
  let arbiter: Arbiter;
  const servers: Server[] = [];

  beforeEach(() => {
    watchLeftovers();
    clock = new FakeClock();
    arbiter = new Arbiter({ clock });
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
    const stopped = arbiter.stop();
    await eventually(() => clock.advance(100).then(() => arbiter.watchers.every(({ resting }) => resting)));
    await stopped;
    arbiter.close();
    await assertNothingLeft();
  });

  /** A socket with a worker that lets go of a client as soon as it hears from him. */
  async function served(given: Parameters<typeof socketSpec>[0]): Promise<{ socket: Socket; to: NetConnectOpts }> {
    const socket = await arbiter.addSocket(socketSpec({ host: '127.0.0.1', port: 0, ...given }));
    const server = createServer((client) => client.once('data', () => client.end()));
    // The descriptor is this process's own: the server would close the socket's.
    server.listen({ fd: duplicate(socket.fd) });
    await once(server, 'listening');
    servers.push(server);
    return { socket, to: given.path == null ? { port: socket.port, host: '127.0.0.1' } : { path: given.path } };
  }

  async function visit(to: NetConnectOpts): Promise<void> {
    const client = connect(to);
    client.resume().write('x');
    await once(client, 'close');
  }

  it('counts the silence from the last client, also one who was served at once', async () => {
    const { socket, to } = await served({ name: 'web' });
    let silent = false;
    const silence = new Silence([socket], 1000, clock, () => (silent = true));
    for (let round = 0; round < 3; round++) {
      await clock.advance(800);
      await visit(to);
      // The word of it is on its way; then comes a rest.
      await eventually(() => assert.deepEqual(clock.pending, [100]));
      await clock.advance(100);
      assert.deepEqual(clock.pending, [1000]);
      assert.ok(!silent);
    }
    await clock.advance(999);
    assert.ok(!silent);
    await clock.advance(1);
    assert.ok(silent);
    silence.close();
  });

  it('lasts as long as nobody is connected: while somebody is, the time begins anew', async () => {
    const { socket, to } = await served({ name: 'web' });
    const client = connect(to);
    await once(client, 'connect');
    let silent = false;
    const silence = new Silence([socket], 1000, clock, () => (silent = true));
    // The word of his arrival may come now or not at all, as the server has taken him.
    for (let round = 0; round < 3; round++) {
      await clock.advance(1000);
      assert.ok(!silent);
    }
    client.resume().write('x');
    await once(client, 'close');
    await eventually(() => assert.ok(!haveConnections([socket])));
    await eventually(() => clock.advance(500).then(() => assert.ok(silent)));
    assert.deepEqual(clock.pending, []);
    silence.close();
  });

  it('knows who is connected to TCP and Unix sockets', async () => {
    for (const given of [
      { name: 'tcp' },
      { name: 'six', family: 'AF_INET6', host: '::1' } as const,
      { name: 'unix', path: `${temporary.path}/a socket` },
    ]) {
      const { socket, to } = await served(given);
      assert.ok(!haveConnections([socket]), given.name);
      const client = connect('host' in given ? { ...to, host: '::1' } : to);
      await once(client, 'connect');
      assert.ok(haveConnections([socket]), given.name);
      client.resume().write('x');
      await once(client, 'close');
      await eventually(() => assert.ok(!haveConnections([socket]), given.name));
    }
  });

  it('lets a watcher start that waits when it is unloaded', async () => {
    const log = () => undefined;
    const host = new Host(arbiter, () => ({ debug: log, info: log, warn: log, error: log }));
    await arbiter.addSocket(socketSpec({ name: 'web', host: '127.0.0.1', port: 0 }));
    await host.load([{ plugin: onDemand, options: {} }]);
    const spec = { name: 'web', cmd: 'sleep 600', copy_env: true, sockets: ['web'], options: { on_demand: '1' } };
    const watcher = arbiter.add(watcherSpec(spec));
    await watcher.start().result;
    assert.deepEqual([watcher.state, watcher.reason], ['waiting', 'waiting for a client on web']);
    await host.unload('on-demand');
    await eventually(() => assert.equal(watcher.state, 'active'));
    await host.close();
  });
});
