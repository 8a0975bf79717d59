/** circusd in the background. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { environmentOf, lives, see } from '../support/proc.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd } from './program.js';

describe('circusd --daemon', () => {
  // Before the folder is removed.
  afterEach('end the daemon', () => end('a.pid'));
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const at = (name: string) => `${folder.path}/${name}`;
  const pidIn = (name: string) => Number(readFileSync(at(name), 'utf8'));

  /** Ends the daemon of a pid file, and waits until it and the file are gone. */
  async function end(name: string): Promise<void> {
    if (!existsSync(at(name))) return;
    const daemon = see(pidIn(name))!;
    process.kill(daemon.pid, 'SIGTERM');
    await eventually(() => !lives(daemon) && !existsSync(at(name)));
  }

  it('returns when everything is started, and runs on in a session of its own', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 100\n[watcher:b]\ncmd = sleep 100\n');
    const args = ['--daemon', 'a.ini', '--pidfile', 'a.pid', '--log-output', 'a.log', '--log-format', 'text'];
    const { code, stdout, stderr } = await circusd(place(), ...args);
    assert.deepEqual([code, stdout, stderr], [0, '', '']);
    const pid = pidIn('a.pid');
    // Side by side, so either may be the first.
    for (const name of ['a', 'b']) assert.match(readFileSync(at('a.log'), 'utf8'), new RegExp(`\\b${name} started`));
    assert.equal((await circusctl(place(), 'status')).stdout, 'a: active\nb: active\n');
    for (const fd of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), '/dev/null');
    assert.ok(!existsSync(`/proc/${pid}/fd/3`) || !readlinkSync(`/proc/${pid}/fd/3`).startsWith('pipe'));
    const session = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ')[3];
    assert.equal(Number(session), pid);
    const [child] = (JSON.parse((await circusctl(place(), '--json', 'list', 'a')).stdout) as { pids: number[] }).pids;
    assert.deepEqual(
      Object.keys(environmentOf(child!)).filter((name) => name.startsWith('CIRCUSD_READY')),
      [],
    );
    await end('a.pid');
    assert.match(readFileSync(at('a.log'), 'utf8'), /Got signal SIG_TERM[^]*circusd exits\n$/);
  });

  it('returns the message and the exit code of a start that fails', async () => {
    folder.write('socket.ini', '[circus]\nendpoint =\n[socket:s]\npath = socket.ini\n');
    const socket = await circusd(place(), '--daemon', '--strict', 'socket.ini', '--pidfile', 'a.pid');
    assert.deepEqual([socket.code, socket.stdout], [4, '']);
    assert.match(socket.stderr, /^error: socket\.ini:4:8: socket "s" could not bind .*\n$/);
    assert.ok(!existsSync(at('a.pid')));

    const missing = await circusd(place(), '--daemon', 'missing.ini');
    assert.equal(missing.code, 1);
    assert.equal(missing.stderr, 'error: missing.ini:1:1: the configuration file "missing.ini" does not exist\n');

    folder.write('bad.ini', '[watcher:a]\ncmd = sleep 1\nnumprocesses = x\n[watcher:b]\nnumprocesses = 1\n');
    const strict = await circusd(place(), '--daemon', '--strict', 'bad.ini');
    assert.equal(strict.code, 1);
    assert.match(strict.stderr, /^error: bad\.ini:3:.*\nerror: bad\.ini:4:.*\n$/);

    assert.equal((await circusd(place(), '--daemon', '--nonsense', 'bad.ini')).code, 2);
  });

  it('refuses a second one on the same pid file', async () => {
    folder.write('a.ini', '[circus]\nendpoint =\n[watcher:a]\ncmd = sleep 100\n');
    assert.equal((await circusd(place(), '--daemon', 'a.ini', '--pidfile', 'a.pid')).code, 0);
    const pid = pidIn('a.pid');
    const { code, stderr } = await circusd(place(), '--daemon', 'a.ini', '--pidfile', 'a.pid');
    assert.deepEqual(
      [code, stderr],
      [4, `error: pid file "a.pid": it belongs to process ${pid} (node circusd.js), which is running\n`],
    );
    assert.equal(pidIn('a.pid'), pid);
  });
});
