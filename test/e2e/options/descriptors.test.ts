import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readdirSync } from 'node:fs';
import { runCircusd, withEndpoints } from '../../support/circusd.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { subjectPerTest } from './subject.js';

/** Accepts on the descriptor that it is given, and tells each client its number; as in Circus, that does not wait by itself. */
const server = `import socket, sys
fd = int(sys.argv[1])
listening = socket.socket(fileno=fd)
listening.setblocking(True)
while True:
    client, _ = listening.accept()
    client.sendall(b'served on %d' % fd)
    client.close()
`;

/** What the server at a port sends. */
async function ask(port: number): Promise<string> {
  const client = connect(port, '127.0.0.1').setEncoding('utf8');
  let text = '';
  client.on('data', (chunk: string) => (text += chunk));
  await once(client, 'close');
  return text;
}

interface Listed {
  readonly sockets: readonly { readonly name: string; readonly fd: number }[];
}

describe('options about descriptors, on a real child', () => {
  const start = subjectPerTest();
  const temporary = temporaryPerTest();
  const socket = (port: number) => `[socket:web]\nhost = 127.0.0.1\nport = ${port}\n`;
  const files = { 'server.py': server };

  it('use_sockets: they are inherited, each at the daemon’s own number', async () => {
    const port = await freePort();
    const options = 'cmd = python3 server.py $(circus.sockets.web)\nuse_sockets = True\ncopy_env = True';
    const subject = await start(options, socket(port), { files });
    const { sockets } = (await subject.daemon.json('listsockets')) as Listed;
    assert.equal(await ask(port), `served on ${sockets[0]!.fd}`);
    const other = await start('cmd = sleep 600', socket(await freePort()));
    const { pid } = await other.child();
    assert.deepEqual(readdirSync(`/proc/${pid}/fd`), ['0', '1', '2']);
  });

  it('sockets: are those that it names, and no others', async () => {
    const port = await freePort();
    const more = `[socket:other]\nhost = 127.0.0.1\nport = 0\n${socket(port)}`;
    const subject = await start('cmd = python3 server.py $(circus.sockets.web)\nsockets = web\ncopy_env = True', more, {
      files,
    });
    assert.match(await ask(port), /^served on \d+$/);
    const { sockets } = (await subject.daemon.json('listsockets')) as Listed;
    const other = sockets.find(({ name }) => name === 'other')!;
    assert.ok(!readdirSync(`/proc/${(await subject.pids())[0]}/fd`).includes(String(other.fd)));
  });

  it('listen_fds: they are there from 3 on too, in the words of systemd', async () => {
    const port = await freePort();
    const subject = await start('cmd = sleep 600\nsockets = web\nlisten_fds = True', socket(port));
    const child = await subject.child();
    const { LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES } = child.env;
    assert.deepEqual([LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES], ['1', String(child.pid), 'web']);
    assert.match(child.link('fd/3'), /^socket:/);
  });

  it('stdin_socket: is the standard input', async () => {
    const port = await freePort();
    await start('cmd = python3 server.py 0\nstdin_socket = web\ncopy_env = True', socket(port), { files });
    assert.equal(await ask(port), 'served on 0');
  });

  it('stdin_socket: of an unknown name is an error of its section', async () => {
    const file = temporary.write('a.ini', '[watcher:w]\ncmd = sleep 600\nstdin_socket = wep\n[socket:web]\nport = 0\n');
    const { code, stderr } = await runCircusd(['--check', file]);
    assert.equal(code, 1);
    assert.match(stderr, /"stdin_socket" names socket "wep", but there is no \[socket:wep\] \(did you mean "web"\?\)/);
  });

  /** Runs a daemon with something on its standard input until its child ends it; what was written. */
  async function withInput(option: string): Promise<string> {
    const ini = `[watcher:w]\ncmd = sh -c 'cat; kill $PPID'\ncopy_env = True\nrespawn = False\n${option}\n`;
    const file = temporary.write('circus.ini', withEndpoints(ini, temporary.path).text);
    return (await runCircusd([file], { input: 'told to the daemon\n' })).stdout;
  }

  it('close_child_stdin: is so unless it is switched off', async () => {
    assert.ok(!(await withInput('')).includes('told to the daemon'));
    assert.ok((await withInput('close_child_stdin = False')).includes('told to the daemon'));
  });

  /** A child of which nothing is seen with the option, and something without. */
  async function silenced(option: string, fd: number, words: string): Promise<void> {
    const cmd = `cmd = sh -c "${words}; exec sleep 600"`;
    const closed = await start(`${cmd}\n${option} = True`);
    assert.equal((await closed.child()).link(`fd/${fd}`), '/dev/null');
    const open = await start(cmd);
    await open.says('seen');
    assert.ok(!closed.daemon.log.includes('seen'));
  }

  it('close_child_stdout: nothing of it is seen', () => silenced('close_child_stdout', 1, 'echo seen'));

  it('close_child_stderr: nothing of it is seen', () => silenced('close_child_stderr', 2, 'echo seen >&2'));
});
