import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, statSync, linkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, Socket as NetSocket, type NetConnectOpts } from 'node:net';
import { createSocket } from 'node:dgram';
import { libc } from '../../core/posix/libc.js';
import { isOpen, parkingFloor } from '../../core/posix/descriptor.js';
import { releaseReaper } from '../../core/posix/reap.js';
import { Socket } from '../../core/socket.js';
import { socketSpec, type SocketSpec } from '../../core/spec.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';
import { temporaryPerTest } from '../support/temporary.js';
import { outputOf } from './child.js';

const O_NONBLOCK = 0o4000;
const isBlocking = ({ fd }: Socket) => (libc().fcntl(fd, 3, 0) & O_NONBLOCK) === 0;

const opened: Socket[] = [];
async function open(given: Partial<SocketSpec>): Promise<Socket> {
  const socket = await Socket.open(socketSpec({ name: 'web', port: 0, ...given }));
  opened.push(socket);
  return socket;
}

async function client(options: NetConnectOpts): Promise<NetSocket> {
  const connection = connect(options);
  await once(connection, 'connect');
  return connection;
}

/** Accepts on the socket's descriptor, as a worker does. */
async function accept({ fd }: Socket): Promise<void> {
  const script = `
import socket
server = socket.socket(fileno=${fd})
server.setblocking(True)
server.accept()`;
  const files = { 0: 'null', 1: 'inherit', 2: 'inherit', [fd]: { descriptor: fd } } as const;
  await outputOf(['/usr/bin/python3', '-c', script], { files });
}

const words = (message: RegExp) => ({ code: 'ERR_SOCKET_BIND', message });

describe('a socket', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    for (const socket of opened.splice(0)) if (isOpen(socket.fd)) socket.close();
    await assertNothingLeft();
    releaseReaper();
  });

  it('of TCP listens, parked at a high number, and lets clients queue', async () => {
    const socket = await open({ host: '127.0.0.1' });
    assert.ok(socket.fd >= parkingFloor && socket.port > 0);
    assert.equal(socket.address, `127.0.0.1:${socket.port}`);
    const connection = await client({ port: socket.port, host: '127.0.0.1' });
    await accept(socket);
    connection.destroy();
  });

  it('of TCP over IPv6 listens on each spelling of an address', async () => {
    for (const host of ['::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '127.0.0.1', '']) {
      const socket = await open({ family: 'AF_INET6', host });
      const connection = await client({ port: socket.port, host: /127/.test(host) ? '127.0.0.1' : '::1' });
      connection.destroy();
      socket.close();
    }
    assert.equal((await open({ family: 'AF_INET6', host: '::1' })).address.slice(0, 6), '[::1]:');
  });

  it('finds the address of a name, and takes every address for an empty one', async () => {
    for (const host of ['localhost', '']) {
      const socket = await open({ host });
      (await client({ port: socket.port, host: '127.0.0.1' })).destroy();
    }
    await assert.rejects(open({ host: 'no-such-host.invalid' }), words(/ENOTFOUND|EAI_AGAIN/));
  });

  it('never takes an address of the wrong family for every address', async () => {
    await assert.rejects(open({ host: '::1' }), words(/"::1" is not an IPv4 address/));
    await assert.rejects(open({ family: 'AF_UNIX' }), words(/a Unix socket needs a path/));
  });

  it('says which socket could not be bound where, and why', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await assert.rejects(open({ host: '127.0.0.1', port }), {
      code: 'ERR_SOCKET_BIND',
      message: `socket "web" could not bind 127.0.0.1:${port}: bind: Address already in use`,
    });
    server.close();
    await assert.rejects(open({ proto: 'nonsense' }), words(/"nonsense" is not a known protocol/));
    await assert.rejects(open({ host: '203.0.113.1' }), words(/Cannot assign requested address/));
    await assert.rejects(open({ interface: 'nonsense0' }), words(/SO_BINDTODEVICE: (No such device|Operation not)/));
  });

  it('shares its port where that was asked for', async () => {
    const one = await open({ host: '127.0.0.1', so_reuseport: true });
    const other = await open({ host: '127.0.0.1', so_reuseport: true, port: one.port });
    assert.equal(other.port, one.port);
  });

  it('blocks or not as it was asked to', async () => {
    assert.ok(!isBlocking(await open({})));
    assert.ok(isBlocking(await open({ blocking: true })));
  });

  it('of datagrams is bound and does not listen', async () => {
    const socket = await open({ type: 'SOCK_DGRAM', host: '127.0.0.1', proto: 'UDP' });
    let calls = 0;
    socket.onReadable(() => calls++)();
    const readable = new Promise<void>((resolve) => socket.onReadable(resolve));
    const sender = createSocket('udp4');
    sender.send('x', socket.port, '127.0.0.1');
    await readable;
    sender.close();
    assert.equal(calls, 0);
  });
});

describe('a Unix socket', () => {
  const temporary = temporaryPerTest();
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    for (const socket of opened.splice(0)) if (isOpen(socket.fd)) socket.close();
    await assertNothingLeft();
  });
  const at = (name = 's') => `${temporary.path}/${name}`;

  it('listens at its path whatever family was written, and its file goes with it', async () => {
    const socket = await open({ path: at(), family: 'AF_INET' });
    assert.deepEqual([socket.port, socket.address], [0, at()]);
    (await client({ path: at() })).destroy();
    socket.close();
    assert.ok(!existsSync(at()));
  });

  it('is made under its own umask, and that of the daemon stays as it was', async () => {
    const before = process.umask();
    await open({ path: at('default') });
    await open({ path: at('open'), umask: 0 });
    await open({ path: at('closed'), umask: 0o177 });
    const modes = ['default', 'open', 'closed'].map((name) => (statSync(at(name)).mode & 0o777).toString(8));
    assert.deepEqual(modes, ['767', '777', '600']);
    await assert.rejects(open({ path: '/nowhere/s', umask: 0 }));
    assert.equal(process.umask(), before);
  });

  it('is given to its owner and group, or taken back', async () => {
    const socket = await open({ path: at(), owner: 65534, group: 65534 });
    const { uid, gid } = statSync(at());
    assert.deepEqual([uid, gid], [65534, 65534]);
    socket.change({ ...socket.spec, owner: null, umask: 0o177 });
    const changed = statSync(at());
    assert.deepEqual([changed.uid, changed.gid, changed.mode & 0o777], [process.geteuid!(), 65534, 0o600]);
    await assert.rejects(open({ path: at('other'), owner: 2 ** 32 }), words(/out of range/));
    assert.ok(!existsSync(at('other')));
  });

  it('changes nothing about a file that was put in the place of its own, nor about what a link there means', async () => {
    const socket = await open({ path: at() });
    writeFileSync(at('victim'), '', { mode: 0o600 });
    for (const swap of [() => symlinkSync(at('victim'), at()), () => linkSync(at('victim'), at())]) {
      rmSync(at());
      swap();
      assert.throws(() => socket.change({ ...socket.spec, umask: 0 }), { code: 'ERR_SOCKET_CHANGE' });
      assert.equal(statSync(at('victim')).mode & 0o777, 0o600);
    }
  });

  it('takes over the file of one that nobody listens on any more', async () => {
    const stale = await open({ path: at() });
    libc().close(stale.fd);
    const socket = await open({ path: at() });
    (await client({ path: at() })).destroy();
    assert.ok(socket.fd >= parkingFloor);
  });

  it('refuses a path on which something listens, unless it is to be replaced', async () => {
    const server = createServer((connection) => connection.destroy()).listen(at());
    await once(server, 'listening');
    await assert.rejects(open({ path: at() }), words(/the path exists already and something listens on it/));
    (await client({ path: at() })).destroy();
    const { ino } = lstatSync(at());
    await open({ path: at(), replace: true });
    assert.notEqual(lstatSync(at()).ino, ino);
    await new Promise((resolve) => server.close(resolve));
  });

  it('never removes what is no socket', async () => {
    writeFileSync(at(), 'precious');
    for (const replace of [false, true])
      await assert.rejects(open({ path: at(), replace }), words(/exists already and is not a socket/));
    assert.ok(existsSync(at()));
  });

  it('leaves the file of another that took its place', async () => {
    const first = await open({ path: at() });
    const second = await open({ path: at(), replace: true });
    first.close();
    assert.ok(existsSync(at()));
    second.close();
    assert.ok(!existsSync(at()));
  });

  it('refuses a path that is too long for the system', async () => {
    const name = 'x'.repeat(107 - at('').length);
    await open({ path: at(name) });
    await assert.rejects(open({ path: at(`${name}x`) }), words(/too long for a socket \(107 bytes\)/));
  });
});

describe('waiting for a client', () => {
  const temporary = temporaryPerTest();
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    for (const socket of opened.splice(0)) if (isOpen(socket.fd)) socket.close();
    await assertNothingLeft();
    releaseReaper();
  });

  for (const kind of ['TCP', 'Unix'] as const) {
    const spec = () => (kind === 'TCP' ? { host: '127.0.0.1' } : { path: `${temporary.path}/s` });
    const address = (socket: Socket) =>
      kind === 'TCP' ? { port: socket.port, host: '127.0.0.1' } : { path: socket.address };

    it(`on a ${kind} socket calls back when one is there, not before, and accepts nothing`, async () => {
      const socket = await open(spec());
      let calls = 0;
      socket.onReadable(() => calls++);
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.equal(calls, 0);
      const connection = await client(address(socket));
      while (calls === 0) await new Promise((resolve) => setImmediate(resolve));
      await accept(socket);
      assert.equal(calls, 1);
      connection.destroy();
    });

    it(`on a ${kind} socket works again and again, also when one was there before`, async () => {
      const socket = await open(spec());
      for (let round = 0; round < 5; round++) {
        const before = round % 2 ? await client(address(socket)) : undefined;
        const readable = new Promise<void>((resolve) => socket.onReadable(resolve));
        const connection = before ?? (await client(address(socket)));
        await readable;
        await accept(socket);
        connection.destroy();
      }
    });

    it(`on a ${kind} socket can be given up`, async () => {
      const socket = await open(spec());
      let calls = 0;
      const stop = socket.onReadable(() => calls++);
      stop();
      (await client(address(socket))).destroy();
      await new Promise((resolve) => setTimeout(resolve, 10));
      stop();
      assert.equal(calls, 0);
    });

    it(`on a ${kind} socket leaves it blocking where it was`, async () => {
      const socket = await open({ ...spec(), blocking: true });
      const readable = new Promise<void>((resolve) => socket.onReadable(resolve));
      assert.ok(isBlocking(socket));
      const connection = await client(address(socket));
      await readable;
      assert.ok(isBlocking(socket));
      connection.destroy();
    });
  }
});
