/** Socket activation as systemd does it, both ways: programs that are made for it, and circusd itself. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture, program } from '../support/paths.js';
import { environmentOf } from '../support/proc.js';
import { client } from '../support/queue.js';
import { run } from '../support/run.js';

interface SocketFacts {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}
const host = '127.0.0.1';
const socketsOf = async (daemon: Circusd, ...args: readonly string[]): Promise<readonly SocketFacts[]> => {
  const { stdout } = await daemon.ctl(...args, '--json', 'listsockets');
  return (JSON.parse(stdout) as { readonly sockets: readonly SocketFacts[] }).sockets;
};
const listening = (env: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('LISTEN_')));
const accept = `/usr/bin/python3 ${fixture('accept.py')}`;

describe('a Debian program with socket activation (gunicorn)', () => {
  const start = circusdPerTest();

  it('serves the socket that it is given, and drops nobody when it is reloaded', async () => {
    const app = `def app(environ, start):\n    start("200 OK", [])\n    return [b"hello"]\n`;
    const daemon = await start(
      `[socket:web]\nhost = ${host}\nport = 0\n[watcher:gunicorn]\ncmd = gunicorn app:app\nsockets = web\nlisten_fds = 1\ngraceful_timeout = 10\n`,
      { files: { 'app.py': app } },
    );
    const [{ port }] = (await eventually(async () => {
      const found = await socketsOf(daemon);
      assert.equal(found.length, 1);
      return found;
    })) as [SocketFacts];
    const get = async () => (await fetch(`http://${host}:${port}/`, { headers: { connection: 'close' } })).text();
    assert.equal(await get(), 'hello');
    const { pids } = (await daemon.json('list', 'gunicorn')) as { readonly pids: readonly [number] };
    assert.deepEqual(listening(environmentOf(pids[0])), {
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'web',
      LISTEN_PID: String(pids[0]),
    });
    const reload = daemon.ctl('reload', 'gunicorn', '--waiting');
    let isOver = false;
    void reload.finally(() => (isOver = true));
    while (!isOver) assert.equal(await get(), 'hello');
    assert.match((await reload).stdout, /^ok/);
    const { pids: after } = (await daemon.json('list', 'gunicorn')) as { readonly pids: readonly number[] };
    assert.notDeepEqual(after, pids);
    assert.equal(await get(), 'hello');
  });
});

describe('circusd itself', () => {
  const start = circusdPerTest();

  it('adopts by name what it is given, keeps it from its children, and never removes it', async () => {
    const inner = (folder: string) => `[circus]
endpoint = ipc://${folder}/inner
pubsub_endpoint = ipc://${folder}/inner-events
[socket:web]
port = 0
[socket:file]
path = ${folder}/file
[socket:else]
host = ${host}
port = 1
[socket:own]
host = ${host}
port = 0
[watcher:w]
cmd = ${accept} $(circus.sockets.web)
sockets = web
copy_env = True
`;
    const tcp = (name: string) => `[socket:${name}]\nhost = ${host}\nport = 0\n`;
    const daemon = await start(
      `${tcp('web')}${tcp('else')}${tcp('stray')}[socket:file]\npath = ./file\n[watcher:inner]\nlisten_fds = 1\n` +
        `sockets = web file else stray\ngraceful_timeout = 20\n` +
        `cmd = ${process.execPath} ${program('circusd')} inner.ini\n`,
      { prepare: (folder) => void folder.write('inner.ini', inner(folder.path)) },
    );
    const of = ['--endpoint', `ipc://${daemon.folder.path}/inner`];
    const found = await eventually(async () => {
      const seen = await socketsOf(daemon, ...of);
      assert.equal(seen.length, 4);
      return new Map(seen.map((socket) => [socket.name, socket]));
    });
    const given = new Map((await socketsOf(daemon)).map((socket) => [socket.name, socket]));
    for (const name of ['web', 'else']) assert.equal(found.get(name)!.port, given.get(name)!.port);
    const log = daemon.log.replaceAll('\\"', '"');
    const elsewhere = `inner.ini:8:1: socket "else" was handed over bound to ${host}:${given.get('else')!.port}, and not to ${host}:1 as its section says`;
    assert.ok(log.includes(elsewhere), log);
    assert.match(log, /a socket "stray" was handed over, and there is no \[socket:stray\] for it: it is closed/);
    assert.doesNotMatch(log, /"(web|file)" was handed over/);

    const where = { host, port: given.get('web')!.port };
    const first = await (await client(where)).answer;
    assert.deepEqual(listening(environmentOf(Number(first))), {});
    // Whoever comes while there is no inner daemon waits for the next one.
    await daemon.ctl('stop', 'inner', '--waiting');
    const waiting = await client(where);
    assert.ok(existsSync(join(daemon.folder.path, 'file')));
    await daemon.ctl('start', 'inner');
    const second = await waiting.answer;
    assert.match(second, /^\d+$/);
    assert.notEqual(second, first);
  });

  it('takes nothing for a socket that is none, and closes nothing of its own', async () => {
    for (const announced of ['40', '3.7', '-3', '1e9', 'Infinity', '0x10']) {
      const script = `LISTEN_PID=$$ LISTEN_FDS=${announced} exec "$@"`;
      const daemon = await start('[watcher:w]\ncmd = sleep 600\n', { through: ['sh', '-c', script, 'sh'] });
      assert.equal((await daemon.ctl('start', 'w', '--waiting')).code, 0, announced);
      assert.doesNotMatch(daemon.log, /handed over/);
    }
  });

  it('takes them into the background with it', async () => {
    const daemon = await start('');
    const { path } = daemon.folder;
    daemon.folder.write(
      'back.ini',
      `[circus]\nendpoint = ipc://${path}/back\npubsub_endpoint = ipc://${path}/back-events\n[socket:web]\nport = 0\n[watcher:w]\ncmd = ${accept} $(circus.sockets.web)\nsockets = web\n`,
    );
    const script = `
import os, socket, sys
server = socket.create_server(("${host}", 0))
print(server.getsockname()[1], flush=True)
os.dup2(server.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web.socket")
os.execv(sys.argv[1], sys.argv[1:])`;
    const words = [process.execPath, program('circusd'), '--daemon', 'back.ini'];
    const { code, stdout, stderr } = await run('/usr/bin/python3', ['-c', script, ...words], { cwd: path });
    assert.deepEqual([code, stderr], [0, '']);
    try {
      assert.match(await (await client({ host, port: Number(stdout) })).answer, /^\d+$/);
    } finally {
      await daemon.ctl('--endpoint', `ipc://${path}/back`, 'quit', '--waiting');
    }
  });
});
