import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { checkAddress, defaultEndpoints, runtimeDirectory } from '#plugins/controller/endpoint.js';
import { settingsOf, type ControllerOptions } from '#plugins/controller/options.js';
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

describe('the addresses that are not named', () => {
  const of = (given: Partial<ControllerOptions>) => {
    const { endpoint, pubsub_endpoint } = settingsOf({ check_delay: 5, ...given });
    return [endpoint, pubsub_endpoint].map((address) => address.replace(/:.*/, ''));
  };

  it('are Unix sockets, or Circus’s where an endpoint is named, or what "endpoints" says', () => {
    assert.deepEqual(of({}), ['ipc', 'ipc']);
    assert.deepEqual(of({ endpoints: 'unix' }), ['ipc', 'ipc']);
    assert.deepEqual(of({ endpoints: 'circus' }), ['tcp', 'tcp']);
    assert.deepEqual(of({ endpoint: 'ipc://x' }), ['ipc', 'tcp']);
    assert.deepEqual(of({ endpoint: 'ipc://x', endpoints: 'unix' }), ['ipc', 'ipc']);
    assert.deepEqual(of({ pubsub_endpoint: 'tcp://127.0.0.1:1' }), ['ipc', 'tcp']);
    assert.deepEqual(settingsOf({ check_delay: 5, endpoints: 'circus' }), {
      endpoint: 'tcp://127.0.0.1:5555',
      pubsub_endpoint: 'tcp://127.0.0.1:5556',
      stats_endpoint: 'tcp://127.0.0.1:5557',
      multicast_endpoint: 'udp://237.219.251.97:12027',
      check_delay: 5,
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
    for (const address of [
      'tcp://0.0.0.0:5555',
      'tcp://*:5555',
      'tcp://10.0.0.1:5',
      'tcp://127.0.0.1.evil.org:5',
      'tcp://127.1:5',
      'tcp://[::]:5',
      'tcp://[::1%lo]:5',
      'tcp://lo:5',
    ]) {
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
      'tcp://127.0.0.1:123456',
      'tcp://127.0.0.1:0;0.0.0.0:5555',
      'tcp://0.0.0.0:5555;127.0.0.1:0',
      'tcp://127.0.0.1:5 ',
      'tcp://127.0.0.1:5\n',
      'tcp://::1:5',
      'udp://127.0.0.1:5',
      'ipc://',
      'ipc://*',
      'ipc://@abstract',
      'ipc:///tmp/a\0b',
      `ipc://${'x'.repeat(108)}`,
    ])
      refused(address, true);
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
    assert.match(open, /\\"insecure = 1\\" in \[circus\] or \[plugin:controller\] if you mean it/);
    assert.match(await refusal(`ipc://${daemon.folder.path}/events`), /another daemon listens on/);
    const nobody = await refusal(`ipc://${temporary.path}/s`, 'endpoint_owner = nobody-at-all');
    assert.match(nobody, /there is no user \\"nobody-at-all\\"/);
  });

  it('tell a second daemon that the first one has them, beginning with that for commands', async () => {
    const ini = `[circus]\nendpoint = ipc://${temporary.path}/control\npubsub_endpoint = ipc://${temporary.path}/pub\n`;
    await start(ini);
    const { code, stderr } = await runCircusd([file(ini)]);
    assert.equal(code, 4);
    assert.match(stderr, /option \\"endpoint\\".*another daemon listens on/);
  });

  it('outlive a daemon that had them before', async () => {
    const ini = `[circus]\nendpoint = ipc://${temporary.path}/control\npubsub_endpoint = ipc://${temporary.path}/pub\n`;
    const first = await start(ini);
    const paths = ['control', 'pub'].map((name) => `${temporary.path}/${name}`);
    for (const path of paths) rmSync(path);
    const second = await start(ini);
    await first.stop();
    for (const path of paths) assert.ok(existsSync(path), path);
    assert.equal((await connect(second).ask('numwatchers'))['numwatchers'], 0);
    await second.stop();
    for (const path of paths) assert.ok(!existsSync(path), path);
  });

  it('take no command before all watchers are there, and then all that have come', async () => {
    const watchers = Array.from({ length: 500 }, (_, at) => `[watcher:w${at}]\ncmd = sleep 600\nautostart = False\n`);
    // Ready as soon as there is a socket.
    const daemon = await start(watchers.join(''), { ready: ({ endpoint }) => existsSync(endpoint.slice(6)) });
    const client = connect(daemon);
    assert.equal((await client.ask('numwatchers'))['numwatchers'], 500);
  });

  it('take "quit" while the daemon starts', async () => {
    const slow = '[circus]\nwarmup_delay = 600\n[watcher:a]\ncmd = sleep 600\n[watcher:b]\ncmd = sleep 600\n';
    const daemon = await start(slow, { ready: ({ endpoint }) => existsSync(endpoint.slice(6)) });
    await connect(daemon).ask('quit', { waiting: true });
    assert.equal(await daemon.exited, 0);
  });
});
