import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { checkAddress, defaultEndpoints, preparePath, runtimeDirectory } from '#plugins/controller/endpoint.js';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

describe('the runtime directory', () => {
  it('is the first of: what is said, /run for root, XDG_RUNTIME_DIR, one under the home', () => {
    assert.equal(runtimeDirectory({ CIRCUSD_RUNTIME_DIR: '/x', XDG_RUNTIME_DIR: '/y' }, 0), '/x');
    assert.equal(runtimeDirectory({ XDG_RUNTIME_DIR: '/y' }, 0), '/run/circusd');
    assert.equal(runtimeDirectory({ XDG_RUNTIME_DIR: '/y' }, 1000), '/y/circusd');
    assert.match(runtimeDirectory({}, 1000), /\/\.circusd\/run$/);
  });

  it('holds the sockets of a daemon that names none', () => {
    assert.deepEqual(defaultEndpoints('/y'), {
      endpoint: 'ipc:///y/control.sock',
      pubsub_endpoint: 'ipc:///y/events.sock',
      stats_endpoint: 'ipc:///y/stats.sock',
    });
  });
});

describe('an address', () => {
  const refused = (address: string, insecure = false) =>
    assert.throws(() => checkAddress('endpoint', address, insecure), { message: /^option "endpoint": / });

  it('may be a loopback address or a path, and any other only if that is meant', () => {
    const good = [
      'tcp://127.0.0.1:5555',
      'tcp://127.8.8.8:*',
      'tcp://localhost:1',
      'tcp://[::1]:5',
      'ipc:///tmp/x',
      'ipc://x',
    ];
    for (const address of good) checkAddress('endpoint', address, false);
    for (const address of ['tcp://0.0.0.0:5555', 'tcp://*:5555', 'tcp://10.0.0.1:5', 'tcp://localhost.evil.org:5']) {
      refused(address);
      checkAddress('endpoint', address, true);
    }
  });

  it('is refused when it can’t be one', () => {
    for (const address of [
      '',
      '5555',
      'tcp://127.0.0.1',
      'tcp://127.0.0.1:x',
      'udp://127.0.0.1:5',
      `ipc://${'x'.repeat(108)}`,
    ])
      refused(address, true);
  });
});

describe('the folder of an endpoint', () => {
  const temporary = temporaryPerTest();

  it('is made, for its owner only', async () => {
    const umask = process.umask(0);
    try {
      await preparePath(`${temporary.path}/a/b/socket`);
    } finally {
      process.umask(umask);
    }
    assert.equal(statSync(`${temporary.path}/a/b`).mode & 0o777, 0o700);
  });

  it('may hold the socket of a daemon that is gone, and nothing else of that name', async () => {
    const path = `${temporary.path}/socket`;
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    await assert.rejects(preparePath(path), { message: `another daemon listens on "${path}"` });
    await new Promise((resolve) => server.close(resolve));
    await preparePath(path);
    mkdirSync(path);
    await assert.rejects(preparePath(path), { message: `"${path}" exists and is not a socket` });
  });
});

describe('the endpoints of a daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();
  const mode = (path: string) => statSync(path).mode & 0o777;
  const file = (ini: string) => temporary.write('circus.ini', ini);
  const refusal = async (endpoint: string, more = '') => {
    const events = `pubsub_endpoint = ipc://${temporary.path}/events`;
    const { code, stderr } = await runCircusd([file(`[circus]\nendpoint = ${endpoint}\n${events}\n${more}\n`)]);
    assert.equal(code, 4, stderr);
    return stderr;
  };

  it('are Unix sockets for its owner only, without a word in the file', async () => {
    const env = { PATH: process.env['PATH'], CIRCUSD_RUNTIME_DIR: `${temporary.path}/run` };
    const daemon = runCircusd([file('[watcher:a]\ncmd = sleep 600\n')], { env });
    const path = `${temporary.path}/run/control.sock`;
    await eventually(() => mode(path) === 0o600);
    const client = connect({ endpoint: `ipc://${path}` });
    await eventually(async () => (await client.ask('numwatchers'))['numwatchers'] === 1);
    assert.equal(mode(`${temporary.path}/run/events.sock`), 0o600);
    assert.equal(mode(`${temporary.path}/run`), 0o700);
    await client.ask('quit', { waiting: true });
    assert.equal((await daemon).code, 0);
    assert.deepEqual(readdirSync(`${temporary.path}/run`), []);
  });

  it('may be TCP, with a port of its own choice, which is told', async () => {
    const port = await freePort();
    const daemon = await start(`[circus]\nendpoint = tcp://127.0.0.1:${port}\npubsub_endpoint = tcp://127.0.0.1:*\n`);
    const { options } = await connect(daemon).ask('globaloptions');
    const { endpoint, pubsub_endpoint } = options as Readonly<Record<string, string>>;
    assert.equal(endpoint, `tcp://127.0.0.1:${port}`);
    assert.match(pubsub_endpoint!, /^tcp:\/\/127\.0\.0\.1:\d+$/);
  });

  it('are refused, with the daemon, when they are taken or open to the network', async () => {
    const port = await freePort();
    const daemon = await start(`[circus]\nendpoint = tcp://127.0.0.1:${port}\n`);
    const taken = await refusal(`tcp://127.0.0.1:${port}`);
    assert.match(taken, new RegExp(`tcp://127.0.0.1:${port} could not be bound: Address already in use`));
    const open = await refusal('tcp://0.0.0.0:*');
    assert.match(open, /can be reached from other machines and is a shell on this one/);
    assert.match(await refusal(`ipc://${daemon.folder.path}/events`), /another daemon listens on/);
    const nobody = await refusal(`ipc://${temporary.path}/s`, 'endpoint_owner = nobody-at-all');
    assert.match(nobody, /there is no user \\"nobody-at-all\\"/);
  });
});
