import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { request } from '../../e2e/load.js';
import { runCircusd, type Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect, listen } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const serve = `${process.execPath} ${inRoot('test/fixtures/programs/serve.mjs')}`;
const socket = (name: string, port: number) => `[socket:${name}]\nhost = 127.0.0.1\nport = ${port}\n`;
const watcher = (name: string, more = '', sockets = name) => `
[watcher:${name}]
cmd = ${serve} $(circus.sockets.${sockets.split(',')[0]})
sockets = ${sockets}
on_demand = 1
${more}`;

describe('on-demand in a real daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();

  const stateOf = async (daemon: Circusd, name: string) =>
    (await connect(daemon).ask('status', { name }))['state'] as string;
  const reaches = (daemon: Circusd, name: string, state: string) =>
    eventually(async () => assert.equal(await stateOf(daemon, name), state));
  /** Puts another text in place of the sections, and has the daemon follow. */
  const editing = (daemon: Circusd) => async (text: string) => {
    const written = readFileSync(`${daemon.folder.path}/circus.ini`, 'utf8');
    daemon.folder.write('circus.ini', written.slice(0, written.indexOf('[socket:web]')) + text);
    const { code, stderr } = await daemon.ctl('reloadconfig', '--waiting');
    assert.equal(code, 0, stderr);
  };
  const pidsOf = async (daemon: Circusd, name: string) =>
    (await connect(daemon).ask('list', { name }))['pids'] as number[];

  /** A client who is there and goes: were anything waiting for him, it would have been told before the next command comes. */
  const reachesPort = async (port: number) => {
    const probe = connectTo(port, '127.0.0.1');
    await once(probe, 'connect');
    probe.destroy();
  };

  it('starts exactly the watcher whose socket has a client, and says what the others wait for', async () => {
    const [one, other] = [await freePort(), await freePort()];
    const daemon = await start(
      socket('one', one) + socket('other', other) + watcher('one') + watcher('other', 'idle_timeout = 10m\n'),
    );
    assert.deepEqual([await stateOf(daemon, 'one'), await stateOf(daemon, 'other')], ['waiting', 'waiting']);
    const { statuses } = await connect(daemon).ask('status');
    assert.deepEqual(statuses, { one: 'stopped', other: 'stopped' });

    const { text } = await request(other);
    assert.deepEqual(await pidsOf(daemon, 'other'), [Number(text)]);
    await reaches(daemon, 'other', 'active');
    assert.equal(await stateOf(daemon, 'one'), 'waiting');
    const { stdout } = await daemon.ctl('explain', 'one');
    assert.match(stdout, /^one has been waiting for .*: waiting for a client on one\./);
    const explained = (await daemon.ctl('explain', 'other')).stdout;
    assert.match(explained, /^A process that ends is replaced; when the last one has ended, it waits for a client\.$/m);
    assert.match(explained, /^It stops when nobody has come for 10 min\.$/m);
    assert.doesNotMatch(explained, /is replaced\.$/m);
    assert.match(daemon.log, /one is waiting for a client on one"/);
    assert.equal((await request(other)).text, text);
  });

  it('waits on each of several sockets, and several watchers may wait on one', async () => {
    const [one, other] = [await freePort(), await freePort()];
    const both = watcher('both', '', 'one,other').replace('sockets.one)', 'sockets.other)');
    const daemon = await start(socket('one', one) + socket('other', other) + both + watcher('one'));
    assert.match((await daemon.ctl('explain', 'both')).stdout, /waiting for a client on one, other\./);
    await request(other);
    await reaches(daemon, 'both', 'active');
    assert.equal(await stateOf(daemon, 'one'), 'waiting');
    await request(one);
    await reaches(daemon, 'one', 'active');
  });

  it('waits again when an operator starts, restarts or reloads it, and not after a stop', async () => {
    const port = await freePort();
    const daemon = await start(socket('web', port) + watcher('web'));
    const client = connect(daemon);
    for (const command of ['start', 'reload', 'restart']) {
      const { status } = await client.ask(command, { name: 'web', waiting: true });
      assert.deepEqual([status, await stateOf(daemon, 'web'), await pidsOf(daemon, 'web')], ['ok', 'waiting', []]);
    }
    const { code, stdout } = await daemon.ctl('start', 'web', '--waiting');
    assert.deepEqual([code, stdout], [0, 'ok\n']);
    const first = (await request(port)).text;
    await client.ask('restart', { name: 'web', waiting: true });
    assert.equal(await stateOf(daemon, 'web'), 'waiting');
    const second = (await request(port)).text;
    assert.notEqual(second, first);
    await client.ask('reload', { name: 'web', waiting: true });
    assert.notEqual((await request(port)).text, second);

    await client.ask('stop', { name: 'web', waiting: true });
    const late = request(port);
    await reachesPort(port);
    assert.equal(await stateOf(daemon, 'web'), 'stopped');
    await client.ask('start', { name: 'web' });
    assert.match((await late).text, /^\d+$/);
  });

  it('starts a program that crashed again for a client who still waits, no faster than the floor, until it flaps', async () => {
    const port = await freePort();
    const more = 'numprocesses = 1\nflapping.attempts = 6\nflapping.window = 60\nflapping.max_retry = 0\n';
    const crash = watcher('crash', more).replace(/cmd = .*/, 'cmd = false');
    const daemon = await start(socket('crash', port) + crash);
    const events = await listen(daemon, 'crash', 'watcher.crash.');
    const client = connectTo(port, '127.0.0.1');
    const begun = performance.now();
    await reaches(daemon, 'crash', 'gave-up');
    const spawns = events.words('crash').filter((word) => word === 'spawn').length;
    assert.equal(spawns, 6);
    assert.ok(performance.now() - begun > 1900, 'the last two starts came a second after the one before');
    client.destroy();
  });

  it('waits for the next client when a program has ended, also where ends are not replaced', async () => {
    const port = await freePort();
    const daemon = await start(socket('web', port) + watcher('web', 'respawn = 0\nnumprocesses = 2\n'));
    const events = await listen(daemon, 'web', 'watcher.web.');
    for (let round = 0; round < 2; round++) {
      await request(port);
      await eventually(async () => assert.equal((await pidsOf(daemon, 'web')).length, 2));
      for (const pid of await pidsOf(daemon, 'web')) process.kill(pid, 'SIGKILL');
      await reaches(daemon, 'web', 'waiting');
    }
    assert.ok(events.words('web').includes('stop'));
  });

  it('leaves a datagram in its queue for the program, and knows Unix sockets', async () => {
    const port = await freePort();
    const read = (name: string, script: string) => `
[watcher:${name}]
cmd = /usr/bin/python3 -c "import socket, sys, time; s = socket.socket(fileno=$(circus.sockets.${name})); ${script}; time.sleep(600)"
sockets = ${name}
on_demand = 1
`;
    const daemon = await start(
      `[socket:udp]\ntype = SOCK_DGRAM\nhost = 127.0.0.1\nport = ${port}\n` +
        read('udp', 's.setblocking(True); a = s.recvfrom(99); s.sendto(a[0].upper(), a[1])') +
        `[socket:unix]\npath = ./unix\n` +
        read('unix', "s.setblocking(True); c = s.accept()[0]; c.sendall(b'hello')"),
    );
    const sender = createSocket('udp4');
    const answered = once(sender, 'message');
    sender.send('hello', port, '127.0.0.1');
    assert.equal(String((await answered)[0]), 'HELLO');
    sender.close();
    assert.equal(await stateOf(daemon, 'unix'), 'waiting');
    const client = connectTo(`${daemon.folder.path}/unix`);
    assert.equal(String((await once(client, 'data'))[0]), 'hello');
    client.destroy();
  });

  it('stops when nobody has come for a while, and is there for the next one', async () => {
    const port = await freePort();
    const daemon = await start(socket('web', port) + watcher('web', 'idle_timeout = 500ms\n'));
    const first = (await request(port)).text;
    await reaches(daemon, 'web', 'waiting');
    assert.match(daemon.log, /web: no client for 0.5 s: it stops until the next one comes/);
    const second = (await request(port)).text;
    assert.notEqual(second, first);
  });

  it('serves a client who comes while it stops', async () => {
    const port = await freePort();
    const slow = watcher('web', 'idle_timeout = 300ms\n').replace('sockets.web)', 'sockets.web) 400');
    const daemon = await start(socket('web', port) + slow);
    const first = (await request(port)).text;
    await reaches(daemon, 'web', 'stopping');
    let answer = first;
    // None is refused; the old one may answer until its signal has reached it.
    while (answer === first) answer = (await request(port)).text;
    await reaches(daemon, 'web', 'active');
  });

  it('follows a file that changes', async () => {
    const port = await freePort();
    const plain = socket('web', port) + watcher('web');
    const daemon = await start(plain);
    const edit = editing(daemon);
    assert.equal(await stateOf(daemon, 'web'), 'waiting');
    await edit(plain.replace('on_demand = 1', 'on_demand = 0'));
    await reaches(daemon, 'web', 'active');
    await edit(plain.replace('on_demand = 1', 'on_demand = 1\nidle_timeout = 200ms'));
    await reaches(daemon, 'web', 'waiting');
    await edit(plain.replace('on_demand = 1', ''));
    await reaches(daemon, 'web', 'active');
  });

  it('is called by a client at any socket, where each process has one of its own', async () => {
    const port = await freePort();
    const shared = socket('web', port) + 'so_reuseport = 1\n' + watcher('web', 'numprocesses = 3\n');
    const daemon = await start(shared);
    for (let round = 0; round < 10; round++) {
      assert.match((await request(port)).text, /^\d+$/);
      await connect(daemon).ask('restart', { name: 'web', waiting: true });
      assert.equal(await stateOf(daemon, 'web'), 'waiting');
    }
  });

  it('waits at the socket that has taken the place of another', async () => {
    const [port, next] = [await freePort(), await freePort()];
    const plain = socket('web', port) + watcher('web', 'idle_timeout = 300ms\n');
    const daemon = await start(plain);
    const edit = editing(daemon);
    await edit(plain.replace(`port = ${port}`, `port = ${next}`));
    assert.equal(await stateOf(daemon, 'web'), 'waiting');
    await assert.rejects(request(port), /ECONNREFUSED/);
    await request(next);
    await edit(plain.replace(`port = ${port}`, `port = ${next}\nso_reuseport = 1`));
    assert.equal(await stateOf(daemon, 'web'), 'active');
    await request(next);
    await reaches(daemon, 'web', 'waiting');
    await edit(plain);
    await assert.rejects(request(next), /ECONNREFUSED/);
    assert.equal(await stateOf(daemon, 'web'), 'waiting');
    await request(port);
    await reaches(daemon, 'web', 'waiting');
  });

  it('starts nothing while no process is wanted', async () => {
    const port = await freePort();
    const daemon = await start(socket('web', port) + watcher('web'));
    const client = connect(daemon);
    await client.ask('decr', { name: 'web', waiting: true });
    const answer = request(port);
    await reachesPort(port);
    assert.deepEqual(await pidsOf(daemon, 'web'), []);
    await client.ask('incr', { name: 'web', waiting: true });
    assert.match((await answer).text, /^\d+$/);
    await client.ask('decr', { name: 'web', waiting: true });
    await client.ask('incr', { name: 'web', waiting: true });
    await reaches(daemon, 'web', 'waiting');
    await request(port);
  });

  it('refuses options that can mean nothing, with what would help', async () => {
    const check = async (more: string) => {
      const file = temporary.write('check.ini', `[socket:web]\nport = 0\n[watcher:web]\ncmd = sleep 600\n${more}`);
      const { stdout, stderr } = await runCircusd(['--check', file]);
      return stdout + stderr;
    };
    assert.match(await check('on_demand = 1'), /check.ini:5:\d+: .*"on_demand" needs sockets whose clients start it/);
    const alone = temporary.write('alone.ini', '[watcher:web]\ncmd = sleep 600\nuse_sockets = 1\non_demand = 1\n');
    const { code, stderr } = await runCircusd(['--check', alone]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /alone.ini:4:\d+: .*"on_demand" needs sockets .*, and there is no \[socket:NAME\]; .* left out/,
    );
    assert.match(await check('use_sockets = 1\nidle_timeout = 5'), /"idle_timeout" needs on_demand = True/);
    assert.match(
      await check('use_sockets = 1\non_demand = 1\nidle_timeout = 0'),
      /"idle_timeout" must be a number of seconds above 0, .*, and is "?0"?; leave it out to never stop/,
    );
    assert.doesNotMatch(await check('use_sockets = 1\non_demand = 1\nidle_timeout = 10m'), /on_demand|idle/);
  });
});
