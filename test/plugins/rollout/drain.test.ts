import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { fixture } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { daemonPerTest } from '../daemon.js';
import { eventsOf, type Fields } from './watcher.js';

const server = (options: string, program = 'hold.mjs') => `
[socket:web]
host = 127.0.0.1
port = 0

[watcher:web]
cmd = ${program.endsWith('.mjs') ? process.execPath : '/usr/bin/python3'} ${fixture(program)} $(circus.sockets.web)
use_sockets = True
copy_env = True
ready.listen = 1
${options}
`;

const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a drain in a real daemon', () => {
  const start = daemonPerTest();
  const clients: Socket[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });

  const portOf = async (daemon: Circusd) => {
    const { sockets } = (await daemon.json('listsockets')) as {
      readonly sockets: readonly { readonly port: number }[];
    };
    return sockets[0]!.port;
  };
  /** Connects, and resolves with the pid of who accepted. */
  async function client(daemon: Circusd) {
    const socket = connect(await portOf(daemon), '127.0.0.1').setEncoding('utf8');
    clients.push(socket);
    socket.on('error', () => undefined);
    const [text] = (await once(socket, 'data')) as [string];
    return { socket, pid: Number(text), closed: once(socket, 'close') };
  }
  const explained = async (daemon: Circusd) => (await daemon.ctl('explain', 'web')).stdout;

  for (const [how, drain] of [
    ['a signal', 'USR2'],
    [
      'a command',
      `exec:/bin/sh -c 'echo "$CIRCUS_HOOK $CIRCUS_WATCHER $CIRCUS_WID $CIRCUS_PID" > told; kill -USR2 $CIRCUS_PID'`,
    ],
  ] as const)
    it(`by ${how} waits for the clients of the old copy, while the new one accepts`, async () => {
      const daemon = await start(server(`reload.drain = ${drain}\nworking_dir = .`));
      const first = await client(daemon);
      const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
      await eventually(async () => {
        assert.match(await explained(daemon), /It leaves its clients to another: 1 connection is still open\./);
        const { sockets } = (await daemon.json('listsockets')) as { readonly sockets: unknown };
        assert.ok(sockets);
      });
      const second = await client(daemon);
      assert.ok(second.pid !== first.pid && lives(first.pid));
      assert.deepEqual((await eventsOf(daemon, 'kill')).length, 0);
      if (how === 'a command')
        assert.equal(readFileSync(`${daemon.folder.path}/told`, 'utf8'), `drain web 1 ${first.pid}\n`);
      first.socket.end();
      await daemon.json('wait', String(job));
      assert.ok(!lives(first.pid) && lives(second.pid));
      assert.doesNotMatch(await explained(daemon), /still open/);
    });

  it('ends with graceful_timeout, and then the old copy is stopped', async () => {
    const daemon = await start(server('reload.drain = USR2\ngraceful_timeout = 1'));
    const first = await client(daemon);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    await first.closed;
    assert.ok(!lives(first.pid));
    assert.match(await explained(daemon), /The last process that was replaced ended with 1 connection still open/);
  });

  it('is that of every replacement, as of max_age', async () => {
    const daemon = await start(server('reload.drain = USR2\nmax_age = 1\nmax_age_variance = 0'));
    const first = await client(daemon);
    await eventually(async () => assert.match(await explained(daemon), /It leaves its clients to another/));
    first.socket.end();
    await eventually(() => assert.ok(!lives(first.pid)));
  });

  it('whose command fails is told, and the old copy is stopped all the same', async () => {
    const daemon = await start(server(`reload.drain = exec:/bin/sh -c 'echo no way >&2; exit 3'`));
    const { pid } = await client(daemon);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(
      daemon.log,
      new RegExp(`process ${pid} is stopped without reload.drain, which exited with code 3: no way`),
    );
  });

  it('is not one of a stop', async () => {
    const daemon = await start(server('reload.drain = USR2'));
    const { pid } = await client(daemon);
    assert.equal((await daemon.ctl('stop', 'web', '--waiting')).code, 0);
    assert.ok(!lives(pid));
  });

  it('that a program does not make is told by explain, with the guide', async () => {
    const daemon = await start(server(''));
    await Promise.all([client(daemon), client(daemon)]);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(
      await explained(daemon),
      /The last process that was replaced ended with 2 connections still open: at its stop signal it does not drain.*docs\/guides\/zero-downtime\.md/,
    );
    const { undrained } = (await daemon.json('explain', 'web')) as Fields;
    assert.deepEqual(undrained, { processes: 1, of: 1, connections: 2 });
  });

  it('is told as not made, too, where the program ends by itself', async () => {
    const daemon = await start(server('').replace('hold.mjs $', 'hold.mjs --exit $'));
    await Promise.all([client(daemon), client(daemon), client(daemon)]);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(await explained(daemon), /replaced ended with 3 connections still open/);
  });

  /** Reloads three times while two clients ask without a pause, and resolves with what is explained then. */
  async function reloadedUnderLoad(daemon: Circusd): Promise<string> {
    const port = await portOf(daemon);
    let over = false;
    const ask = async () => {
      while (!over) assert.match(await (await fetch(`http://127.0.0.1:${port}/`)).text(), /^\d+$/);
    };
    const asking = [ask(), ask()];
    for (let round = 0; round < 3; round++) assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    over = true;
    await Promise.all(asking);
    return explained(daemon);
  }

  it('that a program makes itself is not complained about', async () => {
    const daemon = await start(server('numprocesses = 2', 'finish-requests.py'));
    assert.doesNotMatch(await reloadedUnderLoad(daemon), /still open/);
  });

  it('that node_listen makes for a program is not complained about', async () => {
    const port = await freePort();
    const own = `cmd = ${process.execPath} ${fixture('node-app.cjs')} port ${port}`;
    const ini = server('node_listen = 1')
      .replace('port = 0', `port = ${port}`)
      .replace(/^cmd = .*$/m, own);
    assert.doesNotMatch(await reloadedUnderLoad(await start(ini)), /still open/);
  });
});
