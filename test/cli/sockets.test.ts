/** Sockets of a running daemon: whoever waits in one that stays is served, whatever is changed around it. */
import assert from 'node:assert/strict';
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { closeClients, connect, type Client } from '../plugins/client.js';
import { circusdPerTest, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture } from '../support/paths.js';
import { freePort } from '../support/ports.js';
import { client, clients } from '../support/queue.js';

const accepting = (name: string, more = '') => `[watcher:${name}]
cmd = /usr/bin/python3 ${fixture('accept.py')} $(circus.sockets.web)
sockets = web
graceful_timeout = 5
${more}`;
const web = (port: number, more = '') => `[socket:web]\nhost = 127.0.0.1\nport = ${port}\n${more}`;
const host = '127.0.0.1';

interface SocketFacts {
  readonly fd: number;
  readonly name: string;
  readonly port: number;
  readonly queue: number | null;
  readonly queue_limit: number | null;
  readonly watchers: readonly string[];
}

describe('sockets of a running daemon', () => {
  const start = circusdPerTest();
  let daemon: Circusd;
  let operator: Client;
  afterEach(closeClients);

  async function begin(ini: string): Promise<void> {
    daemon = await start(ini);
    operator = connect(daemon);
    const count = ini.split('[socket:').length - 1;
    await eventually(async () => assert.equal((await sockets()).length, count));
  }

  const sockets = async () =>
    ((await operator.ask('listsockets')) as { readonly sockets: readonly SocketFacts[] }).sockets;
  const facts = async (name: string) => (await sockets()).find((socket) => socket.name === name)!;

  /** Puts this text in place of all but the daemon's own section, and has it read. */
  async function change(ini: string): Promise<string> {
    const { path } = daemon.folder;
    daemon.folder.write(
      'circus.ini',
      `[circus]\nendpoint = ipc://${path}/control\npubsub_endpoint = ipc://${path}/events\n${ini}`,
    );
    const { stdout, stderr } = await daemon.ctl('reloadconfig', '--waiting');
    return stdout + stderr;
  }

  /** Waits until so many clients are in the queue of a socket. */
  const queued = (name: string, length: number) =>
    eventually(async () => assert.equal((await facts(name)).queue, length));

  /** What a descriptor of a process is: the same text for the same socket. */
  const openFile = (pid: number, fd: number) => readlinkSync(`/proc/${pid}/fd/${fd}`);

  it('tell how many clients wait, how many may, and which watchers use them', async () => {
    await begin(
      `${web(0, 'backlog = 7\n')}[socket:unix]\npath = ./s\n[socket:mail]\ntype = SOCK_DGRAM\nhost = 127.0.0.1\nport = 0\n` +
        accepting('b', 'autostart = False\n') +
        '[watcher:a]\ncmd = sleep 600\nstdin_socket = unix\n[watcher:all]\ncmd = sleep 600\nuse_sockets = True\n',
    );
    const { port } = await facts('web');
    const waiting = [
      ...(await clients(3, { host, port })),
      ...(await clients(2, { path: join(daemon.folder.path, 's') })),
    ];
    const shown = async () =>
      Object.fromEntries(
        (await sockets()).map(({ name, queue, queue_limit, watchers }) => [name, [queue, queue_limit, ...watchers]]),
      );
    await queued('web', 3);
    assert.deepEqual(await shown(), {
      mail: [null, null, 'all'],
      unix: [2, 2048, 'a', 'all'],
      web: [3, 7, 'all', 'b'],
    });
    for (const { leave } of waiting) leave();
  });

  it('that stay keep who waits in them while they are changed and others come and go', async () => {
    const before = '[socket:unix]\npath = ./s\n[socket:old]\npath = ./old\n';
    const port = await freePort();
    const watcher = accepting('w', 'autostart = False\n');
    const unixWatcher = watcher.replaceAll('w]', 'u]').replaceAll('web', 'unix');
    await begin(web(port) + before + watcher + unixWatcher);
    const path = join(daemon.folder.path, 's');
    const waiting = [...(await clients(5, { host, port })), ...(await clients(5, { path }))];
    await queued('unix', 5);
    const [fd, inode] = [(await facts('web')).fd, statSync(path).ino];
    const after =
      '[socket:unix]\npath = ./s\nmode = 0640\nowner = nobody\ngroup = nogroup\n[socket:new]\npath = ./new\n';
    assert.match(await change(web(port, 'backlog = 9\n') + after + watcher + unixWatcher), /^ok/);
    const names = (await sockets()).map(({ name }) => name).sort();
    assert.deepEqual(names, ['new', 'unix', 'web']);
    const { mode, uid, gid, ino } = statSync(path);
    assert.deepEqual([mode & 0o777, uid, gid, ino], [0o640, 65534, 65534, inode]);
    const { fd: fdNow, queue, queue_limit } = await facts('web');
    assert.deepEqual([fdNow, queue, queue_limit], [fd, 5, 9]);
    await operator.ask('start', { name: 'w', waiting: true });
    await operator.ask('start', { name: 'u', waiting: true });
    const [w] = await operator.pids('w');
    const [u] = await operator.pids('u');
    assert.deepEqual(
      await Promise.all(waiting.map(({ answer }) => answer)),
      [...Array<number | undefined>(5).fill(w), ...Array<number | undefined>(5).fill(u)].map(String),
    );
  });

  it('that move serve who waits at the old address, and are there before the old one goes', async () => {
    const [port, next] = [await freePort(), await freePort()];
    const watcher = accepting('w').replace('web)', 'web) 0.05');
    await begin(web(port) + watcher);
    const [before] = await eventually(async () => {
      const found = await operator.pids('w');
      assert.equal(found.length, 1);
      return found;
    });
    const waiting = await clients(20, { host, port });
    assert.match(await change(web(next) + watcher), /^ok/);
    assert.deepEqual(
      await Promise.all(waiting.map(({ answer }) => answer)),
      waiting.map(() => String(before)),
    );
    const [after] = await operator.pids('w');
    assert.notEqual(after, before);
    assert.equal(await (await client({ host, port: next })).answer, String(after));
    await assert.rejects(client({ host, port }), /ECONNREFUSED/);
  });

  for (const [title, first, second] of [
    ['widens to all addresses', web, (port: number) => web(port).replace('127.0.0.1', '0.0.0.0')],
    ['becomes one for each process', web, (port: number) => web(port, 'so_reuseport = True\n')],
    ['is one for all again', (port: number) => web(port, 'so_reuseport = True\n'), web],
    ['gets another name', (port: number) => web(port).replace('web', 'www'), web],
  ] as const) {
    it(`one that ${title} can keep its port, and everybody is served`, async () => {
      const port = await freePort();
      const watcher = accepting('w', 'numprocesses = 2\n');
      await begin(first(port) + (first(port).includes('www') ? watcher.replaceAll('web', 'www') : watcher));
      await eventually(async () => assert.equal((await operator.pids('w')).length, 2));
      const old = await operator.pids('w');
      const waiting = [...(await clients(8, { host, port }))];
      assert.match(await change(second(port) + watcher), /^ok/);
      waiting.push(...(await clients(8, { host, port })));
      const answers = await Promise.all(waiting.map(({ answer }) => answer));
      const fresh = (await operator.pids('w')).map(String);
      assert.ok(answers.slice(0, 8).every((pid) => old.map(String).includes(pid)));
      assert.ok(answers.slice(8).every((pid) => fresh.includes(pid)));
    });
  }

  it('that go are closed in every process, and stay while a watcher names them', async () => {
    const port = await freePort();
    const all = '[watcher:all]\ncmd = sleep 600\nuse_sockets = True\nready_after = 0\n';
    await begin(web(port) + accepting('w') + all);
    await eventually(async () => assert.equal((await operator.pids('w')).length, 1));
    assert.match(
      await change(accepting('w') + all),
      /socket "web" can't go, as watcher "w" names it; \[socket:web\] stays as it was/,
    );
    assert.match(daemon.log, /circus\.ini:\d+:\d+: .*no \[socket:web\]/);
    await (
      await client({ host, port })
    ).answer;
    assert.match(await change(all), /^ok/);
    assert.deepEqual(await sockets(), []);
    await assert.rejects(client({ host, port }), /ECONNREFUSED/);
  });

  it('that a process has shut down listen again when the next one starts', async () => {
    const shut = `__import__('socket').socket(fileno=$(circus.sockets.web)).shutdown(2)`;
    const evil = `[watcher:evil]\ncmd = /usr/bin/python3 -c "${shut}"\nsockets = web\nautostart = False\nrespawn = False\n`;
    const port = await freePort();
    await begin(web(port) + accepting('w') + evil);
    await operator.ask('start', { name: 'evil', waiting: true });
    await eventually(async () => {
      const { exits } = await operator.ask('history', { name: 'evil' });
      assert.deepEqual((exits as { readonly code: number }[])[0]?.code, 0);
    });
    await operator.ask('restart', { name: 'w', waiting: true });
    const [{ answer }] = (await clients(1, { host, port })) as [Awaited<ReturnType<typeof client>>];
    assert.equal(await answer, String((await operator.pids('w'))[0]));
  });

  it('of so_reuseport are not opened by whoever only looks', async () => {
    await begin(web(0, 'so_reuseport = True\n') + accepting('w') + accepting('spare', 'autostart = False\n'));
    const { port } = await facts('web');
    await operator.ask('explain', { name: 'spare' });
    for (const { answer } of await clients(20, { host, port }))
      assert.equal(await answer, String((await operator.pids('w'))[0]));
  });

  it('of so_reuseport are one for each process, under one number, and outlive it', async () => {
    await begin(web(0, 'so_reuseport = True\n') + accepting('w', 'numprocesses = 3\n'));
    const { fd, port } = await facts('web');
    const seats = async (count: number) =>
      eventually(async () => {
        const found = await operator.pids('w');
        assert.equal(found.length, count);
        const files = found.map((pid) => openFile(pid, fd)).sort();
        assert.equal(new Set(files).size, count, 'each has its own');
        return files;
      });
    const three = await seats(3);
    for (const pid of await operator.pids('w')) {
      process.kill(pid, 'SIGSTOP');
      await eventually(() => assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /\) T /));
    }
    const waiting = await clients(30, { host, port });
    await queued('web', 30);
    for (const pid of await operator.pids('w')) process.kill(pid, 'SIGKILL');
    const answers = await Promise.all(waiting.map(({ answer }) => answer));
    assert.ok(new Set(answers).size > 1, 'the system spreads them');
    assert.deepEqual(await seats(3), three);
    await operator.ask('reload', { name: 'w', waiting: true });
    assert.deepEqual(await seats(3), three);
    await operator.ask('decr', { name: 'w', nb: 2, waiting: true });
    const [one] = await seats(1);
    assert.ok(three.includes(one!));
    for (const { answer } of await clients(10, { host, port }))
      assert.equal(await answer, String((await operator.pids('w'))[0]));
    assert.equal((await facts('web')).queue_limit, 2048, 'the others are closed');
  });

  it('of so_reuseport leave those of another watcher their clients', async () => {
    await begin(web(0, 'so_reuseport = True\n') + accepting('a') + accepting('b'));
    await eventually(async () =>
      assert.equal((await operator.pids('a')).length + (await operator.pids('b')).length, 2),
    );
    const { port } = await facts('web');
    for (const gone of ['a', 'b']) {
      const left = gone === 'a' ? 'b' : 'a';
      await operator.ask('rm', { name: gone, waiting: true });
      const [pid] = await operator.pids(left);
      for (const { answer } of await clients(12, { host, port })) assert.equal(await answer, String(pid));
      if (gone === 'a') {
        await change(web(port, 'so_reuseport = True\n') + accepting('a') + accepting('b'));
        await eventually(async () => assert.equal((await operator.pids('a')).length, 1));
      }
    }
  });
});
