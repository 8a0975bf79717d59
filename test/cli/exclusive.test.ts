/** What two daemons may not share: a pid file, an endpoint, a port. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd, daemonPerTest, linesOf } from './program.js';

const quiet = '[circus]\nendpoint =\n[watcher:a]\ncmd = sleep 100\n';
const reachable = '[watcher:a]\ncmd = sleep 100\n';

describe('circusd alone', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();
  const at = (name: string) => `${folder.path}/${name}`;
  let taken: Server | undefined;

  /** Takes a port, so that it is in use. */
  async function takePort(): Promise<number> {
    const server = (taken = createServer());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  afterEach('free the port', async () => {
    await new Promise<void>((resolve) => (taken ? taken.close(() => resolve()) : resolve()));
    taken = undefined;
  });

  /** Starts one that must fail, and resolves with the one message that it ends with. */
  async function refusal(ini: string, ...args: readonly string[]): Promise<string> {
    folder.write('b.ini', ini);
    const { code, stdout, stderr } = await circusd(place(), 'b.ini', '--log-format', 'text', ...args);
    assert.deepEqual([code, stdout], [4, ''], stderr);
    const lines = linesOf(stderr).filter((line) => line.includes('ERROR'));
    assert.equal(lines.length, 1, stderr);
    return lines[0]!.replace(/^.*?\[ERROR\] /, '');
  }

  it('the pid file holds the pid, and is gone afterwards', async () => {
    folder.write('a.ini', quiet);
    const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid']);
    assert.equal(readFileSync(at('a.pid'), 'utf8'), `${daemon.pid}\n`);
    assert.equal(statSync(at('a.pid')).mode & 0o777, 0o644);
    assert.equal(await daemon.stop(), 0);
    assert.ok(!existsSync(at('a.pid')));
  });

  it('the pid file may be named in the configuration, and removed by somebody else', async () => {
    folder.write('a.ini', quiet.replace('endpoint =\n', 'endpoint =\npidfile = c.pid\n'));
    const daemon = await start(place(), ['a.ini']);
    rmSync(at('c.pid'));
    assert.equal(await daemon.stop(), 0);
    assert.match(daemon.output, /circusd exits/);
  });

  it('a second daemon on a pid file is refused', async () => {
    folder.write('a.ini', quiet);
    const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid']);
    const message = await refusal(quiet, '--pidfile', 'a.pid');
    assert.equal(message, `pid file "a.pid": it belongs to process ${daemon.pid} (node circusd.js), which is running`);
    assert.equal(readFileSync(at('a.pid'), 'utf8'), `${daemon.pid}\n`);
  });

  it('a stale pid file is overwritten', async () => {
    folder.write('a.ini', quiet);
    for (const text of ['4194399\n', '', '-1', '0']) {
      folder.write('a.pid', text);
      const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid']);
      assert.equal(readFileSync(at('a.pid'), 'utf8'), `${daemon.pid}\n`);
      assert.equal(await daemon.stop(), 0);
      assert.ok(!existsSync(at('a.pid')));
    }
  });

  it('a pid file is no way to overwrite something else', async () => {
    const kept = 'PermitRootLogin no\n';
    folder.write('a.pid', kept);
    assert.match(await refusal(quiet, '--pidfile', 'a.pid'), /^pid file "a\.pid": it holds something else than a proc/);
    symlinkSync('other', at('b.pid'));
    assert.equal(await refusal(quiet, '--pidfile', 'b.pid'), 'pid file "b.pid": it is a symbolic link');
    assert.equal(await refusal(quiet, '--pidfile', '/dev/null'), 'pid file "/dev/null": it is no regular file');
    assert.deepEqual([readFileSync(at('a.pid'), 'utf8'), existsSync(at('other'))], [kept, false]);
  });

  it('a pid file whose number a later process has by chance is overwritten, that of an older one is not', async () => {
    folder.write('a.ini', quiet);
    folder.write('a.pid', `${process.pid}\n`);
    assert.match(
      await refusal(quiet, '--pidfile', 'a.pid'),
      /it belongs to process \d+ \(node \S+\), which is running/,
    );
    utimesSync(at('a.pid'), 1, 1);
    const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid']);
    assert.equal(readFileSync(at('a.pid'), 'utf8'), `${daemon.pid}\n`);
  });

  it('a pid file that somebody else has written since stays', async () => {
    folder.write('a.ini', quiet);
    for (const text of ['1\n', '', 'a note\n']) {
      rmSync(at('a.pid'), { force: true });
      const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid']);
      folder.write('a.pid', text);
      assert.equal(await daemon.stop(), 0);
      assert.equal(readFileSync(at('a.pid'), 'utf8'), text);
    }
  });

  it('a pid file that cannot be written is said in one line', async () => {
    assert.match(await refusal(quiet, '--pidfile', 'no/such/a.pid'), /^pid file "no\/such\/a\.pid": its folder/);
    assert.match(await refusal(quiet, '--pidfile', folder.path), /^pid file ".*": EISDIR/);
  });

  it('a second daemon on the same Unix endpoint is refused, and the first goes on', async () => {
    folder.write('a.ini', reachable);
    await start(place(), ['a.ini']);
    assert.match(await refusal(reachable, '--pidfile', 'b.pid'), /another daemon listens on ".*\/run\/\w+\.sock"/);
    assert.ok(!existsSync(at('b.pid')));
    assert.deepEqual((await circusctl(place(), 'list')).stdout, 'a\n');
  });

  it('the endpoint of a daemon that was killed is taken over', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sh -c "read line < /dev/zero"\nautostart = False\n');
    const killed = await start(place(), ['a.ini']);
    assert.equal(await killed.stop('SIGKILL'), 137);
    assert.ok(existsSync(at('run/control.sock')));
    const daemon = await start(place(), ['a.ini']);
    assert.deepEqual((await circusctl(place(), 'list')).stdout, 'a\n');
    assert.equal(await daemon.stop(), 0);
  });

  it('a TCP endpoint that is in use is named with its line', async () => {
    const port = await takePort();
    const ini = `[circus]\npubsub_endpoint = tcp://127.0.0.1:*\nendpoint = tcp://127.0.0.1:${port}\n`;
    const message = await refusal(ini);
    assert.match(message, new RegExp(`^b\\.ini:3:\\d+: option "endpoint": tcp://127.0.0.1:${port} .*in use`, 'i'));
  });

  it('a socket whose port is in use is named with its address and line', async () => {
    const port = await takePort();
    const ini = `[circus]\nendpoint =\n[socket:web]\nhost = 127.0.0.1\nport = ${port}\n[watcher:a]\ncmd = sleep 100\n`;
    const message = await refusal(ini, '--strict');
    assert.match(message, new RegExp(`^b\\.ini:5:8: socket "web" .*127\\.0\\.0\\.1:${port}.*in use`, 'i'));
  });

  it('a socket whose path is taken is named too, and the file stays', async () => {
    folder.write('s', 'a file');
    const ini = '[circus]\nendpoint =\n[socket:web]\npath = s\n[watcher:a]\ncmd = sleep 100\n';
    const message = await refusal(ini, '--strict');
    assert.match(message, /^b\.ini:4:8: socket "web" .*\bs: /);
    assert.equal(readFileSync(at('s'), 'utf8'), 'a file');
  });

  it('an endpoint that other machines reach is refused unless that is meant', async () => {
    const ini =
      '[circus]\npubsub_endpoint = tcp://127.0.0.1:*\nendpoint = tcp://0.0.0.0:*\n[watcher:a]\ncmd = sleep 100\n';
    assert.match(
      await refusal(ini),
      /^b\.ini:3:\d+: option "endpoint" of \[circus\]: "tcp:\/\/0\.0\.0\.0:\*".*insecure.*; circusd does not start with it$/,
    );
    const section = `${ini}[plugin:controller]\nuse = controller\ninsecure = 1\n`;
    for (const text of [section, ini.replace('[circus]\n', '[circus]\ninsecure = 1\n')]) {
      folder.write('a.ini', text);
      const daemon = await start(place(), ['a.ini']);
      assert.match(daemon.output, /taking commands on tcp:\/\/0\.0\.0\.0:\d+/);
      assert.equal(await daemon.stop(), 0);
    }
  });
});
