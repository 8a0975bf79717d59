import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { get as getSecure } from 'node:https';
import { connect as connectTo } from 'node:net';
import type { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { differentAnswers, request, sendRequests } from '../../e2e/load.js';
import { runCircusd, type Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const program = inRoot('test/fixtures/programs/node-app.cjs');
const watcher = (kind: string, port: number, more = '') => `
[socket:web]
host = 127.0.0.1
port = ${port}
[watcher:web]
cmd = ${process.execPath} ${program} ${kind} ${port}
use_sockets = 1
node_listen = 1
${more}
`;

interface Told {
  readonly address?: unknown;
  readonly error?: string;
  readonly options: string | null;
}

/** What the programs told, once it is so much. */
const told = (daemon: Circusd, count: number) =>
  eventually(() => {
    const lines = [...daemon.log.matchAll(/^told (.*)$/gm)].map(([, line]) => JSON.parse(line!) as Told);
    assert.ok(lines.length >= count, daemon.log);
    return lines;
  });

/** One request on a connection that is kept where the server allows it. */
const ask = (agent: Agent, port: number, path = '/') =>
  new Promise<string>((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('end', () => resolve(text)).once('error', reject);
    }).once('error', reject);
  });

/** What a server of each of these kinds answers to one client. */
const asks: Readonly<Record<string, (port: number) => Promise<string>>> = {
  net: (port) => textOf(connectTo(port, '127.0.0.1')),
  https: (port) =>
    new Promise((resolve, reject) => {
      const ciphers = {
        ciphers: 'AECDH-AES256-SHA:@SECLEVEL=0',
        maxVersion: 'TLSv1.2',
        rejectUnauthorized: false,
      } as const;
      const read = (response: Readable) => void textOf(response).then(resolve, reject);
      getSecure({ host: '127.0.0.1', port, agent: false, ...ciphers }, read).once('error', reject);
    }),
  http2: async (port) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    try {
      return await textOf(session.request());
    } finally {
      session.close();
    }
  },
};

describe('node-listen in a real daemon', () => {
  const start = daemonPerTest();
  closeClients();
  const temporary = temporaryPerTest();

  for (const kind of ['port', 'text', 'host', 'options', 'any', 'net', 'https', 'http2'])
    it(`has several processes share a port: ${kind}`, async () => {
      const port = await freePort();
      const daemon = await start(watcher(kind, port, 'numprocesses = 2'));
      for (const { address, options } of await told(daemon, 2)) {
        assert.deepEqual(address, { address: '127.0.0.1', family: 'IPv4', port });
        assert.equal(options, null, 'what it starts has nothing of ours');
      }
      await differentAnswers(port, 2, 5000, asks[kind]);
    });

  for (const kind of ['path', 'pathOptions'])
    it(`has several processes share a Unix socket: ${kind}`, async () => {
      const ini = watcher(kind, 0, 'numprocesses = 2').replace(/host.*\nport.*/, 'path = ./app.sock');
      const daemon = await start(ini.replace(` ${kind} 0`, ` ${kind} 0 ./app.sock`));
      for (const { address } of await told(daemon, 2)) assert.equal(address, `${daemon.folder.path}/app.sock`);
    });

  it('reloads four processes of an unmodified program under load without a failed request', async () => {
    const port = await freePort();
    const daemon = await start(watcher('port', port, 'numprocesses = 4\nready_after = 0.2\nwarmup_delay = 0'));
    const before = await differentAnswers(port, 4);
    const load = sendRequests(port, 40);
    // Others keep their connections, as browsers and proxies do.
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    let over = false;
    const kept = Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let answers = 0; ; answers++) {
          if (over) return answers;
          await ask(agent, port, answers % 5 === 0 ? '/slow' : '/');
        }
      }),
    );
    kept.catch(() => undefined);
    await eventually(() => load.answered > 20);
    const { code, stderr } = await daemon.ctl('reload', 'web', '--waiting');
    assert.equal(code, 0, stderr);
    over = true;
    for (const answers of await kept) assert.ok(answers > 0);
    const { sent, answers, ...lost } = await load.stop();
    agent.destroy();
    assert.deepEqual(lost, { refused: 0, cut: 0, failures: [] }, `of ${sent}`);
    const after = await differentAnswers(port, 4);
    assert.deepEqual(
      [...after].filter((pid) => before.has(pid)),
      [],
    );
    assert.ok(answers.size > 4);
  }).timeout(60_000);

  it('finishes what it was asked at the first of several stop signals, and says when one has become another', async () => {
    const port = await freePort();
    const daemon = await start(watcher('port', port, 'stop_steps = INT 10, KILL'));
    await told(daemon, 1);
    const answer = request(port, '/slow');
    await eventually(() => assert.match(daemon.log, /^asked$/m));
    const client = connect(daemon);
    assert.equal((await client.ask('stop', { name: 'web', waiting: true }))['status'], 'ok');
    assert.match((await answer).text, /^\d+$/);
    await client.ask('start', { name: 'web', waiting: true });
    const set = (stop_steps: string) => client.ask('set', { name: 'web', options: { stop_steps } });
    assert.equal((await set('INT 5, KILL'))['status'], 'ok');
    assert.equal((await set('HUP 5, KILL'))['status'], 'ok');
    const warnings = () => daemon.log.match(/web: its processes would be cut off by SIG.*/g) ?? [];
    await eventually(() => assert.match(warnings().join('\n'), /^.*SIGHUP, and only new ones are not: reload it"/));
  });

  it('ends a program that closed its first server and listens with another', async () => {
    const [port, other] = [await freePort(), await freePort()];
    const second = `[socket:other]\nhost = 127.0.0.1\nport = ${other}\n`;
    const ini = watcher('moves', port, 'graceful_timeout = 600').replace(`moves ${port}`, `moves ${port} ${other}`);
    const daemon = await start(second + ini);
    await told(daemon, 1);
    const pid = Number(await asks['net']!(other));
    process.kill(pid, 'SIGTERM');
    await eventually(async () => assert.notEqual(Number(await asks['net']!(other)), pid));
  });

  it('closes a server for its own process only', async () => {
    const port = await freePort();
    const daemon = await start(watcher('port', port, 'numprocesses = 2'));
    await told(daemon, 2);
    const agent = new Agent();
    const closed = await ask(agent, port, '/close');
    for (let round = 0; round < 10; round++) assert.notEqual((await request(port)).text, closed);
  });

  it('leaves alone what a program starts: there it is as without us', async () => {
    const port = await freePort();
    const daemon = await start(watcher('parent', port, 'copy_env = 1'), { env: { NODE_OPTIONS: '--no-warnings' } });
    const [own, child] = await told(daemon, 2);
    assert.deepEqual(own!.address, { address: '127.0.0.1', family: 'IPv4', port });
    assert.deepEqual(child, { error: 'EADDRINUSE', options: '--no-warnings' });
  });

  it('reaches a program through what starts it, such as npm, and knows the cluster of Node', async () => {
    for (const kind of ['launcher', 'cluster']) {
      const port = await freePort();
      const daemon = await start(watcher(kind, port, 'numprocesses = 2'));
      await told(daemon, kind === 'cluster' ? 4 : 2);
      await differentAnswers(port, kind === 'cluster' ? 4 : 2, 15_000);
    }
  }).timeout(40_000);

  it('has a program listen as always where no socket fits, and says why where one nearly does', async () => {
    const port = await freePort();
    const other = await start(watcher('port', port).replace(`port = ${port}`, 'port = 0'));
    const [{ address }] = (await told(other, 1)) as [Told];
    assert.equal((address as { port: number }).port, port);
    await other.stop();
    const near = await start(watcher('other', port).replace('127.0.0.1', '0.0.0.0'));
    assert.equal((await told(near, 1))[0]!.error, 'EADDRINUSE');
    await eventually(() =>
      assert.match(near.log, /CircusWarning: listen on 127.0.0.2:\d+ is not "web" \(0.0.0.0:\d+\)/),
    );
  });

  it('says why a program can not listen on a socket that it has closed', async () => {
    const daemon = await start(watcher('again', await freePort()));
    assert.equal((await told(daemon, 1))[0]!.error, 'EADDRINUSE');
    await eventually(() => assert.match(daemon.log, /CircusWarning: the server that listened on "web" was closed, so/));
  });

  it('is used by hand with --import, also in an ES module', async () => {
    const port = await freePort();
    const script = `import { createServer } from 'node:http';
createServer((request, response) => response.end(String(process.pid))).listen(${port}, () => console.log('told {}'));`;
    const path = temporary.write('app.mjs', script);
    const cmd = `cmd = ${process.execPath} --import circusd/listen ${path}`;
    const ini = watcher('port', port, `numprocesses = 2\nworking_dir = ${inRoot()}`);
    const daemon = await start(ini.replace(/cmd.*/, cmd).replace('node_listen = 1', ''));
    await told(daemon, 2);
    await differentAnswers(port, 2);
  });

  it('needs sockets, and says so', async () => {
    const file = temporary.write('check.ini', '[watcher:web]\ncmd = node app.js\nnode_listen = 1\n');
    const { stdout, stderr } = await runCircusd(['--check', file]);
    assert.match(
      stdout + stderr,
      /check.ini:3:\d+: .*"node_listen" needs sockets to listen on: name them in "sockets"/,
    );
  });
});
