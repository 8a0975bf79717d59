import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { Watcher } from '#core';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { worldPerTest } from './world.js';

const stateOf = ({ processes }: Watcher) => processes[0]?.state;

describe('the conditions of being ready', () => {
  const closing: (() => void)[] = [];
  afterEach('close the servers', () => closing.splice(0).forEach((close) => close()));
  const world = worldPerTest();
  const folder = temporaryPerTest();

  /** A server of the test; answers its port. */
  const serve = async (listener: RequestListener, at: number | string = 0) => {
    const server = createServer(listener);
    if (typeof at === 'number') server.listen(at, '127.0.0.1');
    else server.listen(at);
    closing.push(() => server.close().closeAllConnections());
    await once(server, 'listening');
    return typeof at === 'string' ? 0 : (server.address() as AddressInfo).port;
  };
  /** Starts a watcher that must not be ready until `then` was done. */
  const waits = async (watcher: Watcher, why: RegExp, then: () => unknown) => {
    const started = watcher.start().result;
    await eventually(() => assert.match(world().explained(watcher), why));
    assert.deepEqual([watcher.state, stateOf(watcher)], ['starting', 'unready']);
    await then();
    await started;
    assert.equal(stateOf(watcher), 'ready');
  };

  it('http: a good state, and a body that matches', async () => {
    let answer = { status: 503, body: 'no' };
    const port = await serve((_request, response) => response.writeHead(answer.status).end(answer.body));
    const options = {
      'ready.http': `http://127.0.0.1:${port}/up`,
      'ready.http_status': '200-204',
      'ready.http_body': '^ok',
    };
    await waits(world().add('sleep 600', options), /ready.http: it answers with state 503/, async () => {
      answer = { status: 200, body: 'not ok' };
      await eventually(() => assert.match(world().explained(world().arbiter.get('web')), /answers with another body/));
      answer = { status: 200, body: 'ok' };
    });
  });

  it('http: each process is asked at its own address, also on Unix sockets', async () => {
    const asked: string[] = [];
    for (const wid of [1, 2])
      await serve((request, response) => {
        asked.push(`${wid}${request.url}`);
        response.end();
      }, `${folder.path}/${wid}.sock`);
    const options = { 'ready.http': `http://unix:${folder.path}/$(circus.wid).sock:/up?x` };
    const watcher = world().add('sleep 600', options, { numprocesses: 2 });
    await watcher.start().result;
    assert.deepEqual(asked.sort(), ['1/up?x', '2/up?x']);
  });

  it('http: a server that does not answer is given up after the time of a probe', async () => {
    const port = await serve(() => undefined);
    const options = { 'ready.http': `http://127.0.0.1:${port}/`, 'ready.interval': '0.1', 'ready.timeout': '0.5' };
    const watcher = world().add('sleep 600', options);
    await watcher.start().result;
    assert.equal(stateOf(watcher), 'unready');
    assert.match(world().explained(watcher), /ready.http: it does not answer within 0.1 s/);
  });

  it('tcp: it takes a connection', async () => {
    const port = await freePort();
    const watcher = world().add('sleep 600', { 'ready.tcp': `127.0.0.1:${port}` });
    await waits(watcher, /ready.tcp: it takes no connection/, () => serve(() => undefined, port));
  });

  it('exec: the command ends with 0, in the folder and with the variables of the process', async () => {
    const options = {
      'ready.exec': `sh -c 'echo "$CIRCUS_PID $PLACE $HOME" > seen; test -e gate$(circus.wid) || { echo not yet >&2; exit 4; }'`,
    };
    const watcher = world().add('sleep 600', options, {
      working_dir: folder.path,
      env: { PLACE: 'here' },
      copy_env: false,
    });
    await waits(watcher, /ready.exec: it fails its check with code 4: not yet/, () => folder.write('gate1', ''));
    assert.equal(readFileSync(`${folder.path}/seen`, 'utf8'), `${watcher.processes[0]!.pid} here \n`);
  });

  it('exec: a command that is not there is said', async () => {
    const watcher = world().add('sleep 600', { 'ready.exec': 'no-such-program', 'ready.timeout': '0.3' });
    await watcher.start().result;
    assert.match(
      world().explained(watcher),
      /ready.exec: it can't be checked: program "no-such-program" was not found/,
    );
  });

  it('log: its output has the pattern, also in two pieces, and goes where it went', async () => {
    const gate = `${folder.path}/gate`;
    const cmd = `sh -c 'printf "liste" >&2; until test -e ${gate}; do sleep 0.02; done; echo "ning on 80" >&2; exec sleep 600'`;
    const watcher = world().add(cmd, { 'ready.log': '^listening on \\d+$' });
    const written: string[] = [];
    const { write } = process.stderr;
    process.stderr.write = (chunk: unknown) => written.push(String(chunk)) > 0;
    try {
      await waits(watcher, /ready.log: it has not written it/, async () => {
        await eventually(() => assert.equal(written.join(''), 'liste'));
        folder.write('gate', '');
      });
      await eventually(() => assert.equal(written.join(''), 'listening on 80\n'));
    } finally {
      process.stderr.write = write;
    }
  });

  it('fd: it has written a newline to its descriptor', async () => {
    const gate = `${folder.path}/gate`;
    const cmd = `sh -c 'printf starting >&5; until test -e ${gate}; do sleep 0.02; done; echo >&5; exec sleep 600'`;
    const watcher = world().add(cmd, { 'ready.fd': '5' });
    await waits(watcher, /ready.fd: it has not written a newline/, () => folder.write('gate', ''));
  });

  it('ipc: a program of Node has sent it', async () => {
    const gate = `${folder.path}/gate`;
    const code = `process.send({ other: 1 }); const at = setInterval(() => { if (require('fs').existsSync('${gate}')) { process.send('ready'); clearInterval(at); } }, 20); setInterval(() => 0, 1e6)`;
    const watcher = world().add(process.execPath, { 'ready.ipc': '1' }, { args: ['-e', code] });
    await waits(watcher, /ready.ipc: it has not sent 'ready'/, () => folder.write('gate', ''));
  });

  it('delay: it has lived so long', async () => {
    const watcher = world().add('sleep 600', { 'ready.delay': '300ms' });
    await watcher.start().result;
    const [process] = watcher.processes;
    // A timer may be early by a part of a millisecond.
    assert.ok(process!.state === 'ready' && process!.age >= 299);
  });

  it('all that are named must be met', async () => {
    const gate = `${folder.path}/gate`;
    const watcher = world().add('sleep 600', { 'ready.delay': '0.1', 'ready.exec': `test -e ${gate}` });
    await waits(watcher, /^It is not ready: ready.exec: it fails its check with code 1.$/, () =>
      folder.write('gate', ''),
    );
    assert.match(world().explained(watcher), /ready.exec: it passes; ready.delay: it has lived 0.1 s/);
  });

  it('as many in a row as wanted, and after as many bad ones it is not', async () => {
    let asked = 0;
    const port = await serve((_request, response) => response.writeHead(++asked === 2 ? 500 : 200).end());
    const options = {
      'ready.http': `http://127.0.0.1:${port}/`,
      'ready.interval': '0.05',
      'ready.success_threshold': '3',
    };
    await world().add('sleep 600', options).start().result;
    assert.equal(asked, 5);

    let bad = 0;
    const other = await serve((_request, response) => response.writeHead(++bad > 4 ? 200 : 500).end());
    const never = {
      'ready.http': `http://127.0.0.1:${other}/`,
      'ready.interval': '0.05',
      'ready.failure_threshold': '3',
    };
    const watcher = world().add('sleep 600', never, { name: 'other' });
    await watcher.start().result;
    assert.deepEqual([bad, stateOf(watcher)], [3, 'unready']);
    // It was not killed for that, and may come to it later.
    await eventually(() => assert.equal(stateOf(watcher), 'ready'));
  });

  it('a start goes on when it takes too long, the process stays, and is ready when it is', async () => {
    const gate = `${folder.path}/gate`;
    const watcher = world().add('sleep 600', {
      'ready.exec': `test -e ${gate}`,
      'ready.timeout': '0.3',
      'ready.interval': '0.1',
    });
    await watcher.start().result;
    assert.deepEqual([watcher.state, stateOf(watcher)], ['active', 'unready']);
    const { pid } = watcher.processes[0]!;
    folder.write('gate', '');
    await eventually(() => assert.equal(stateOf(watcher), 'ready'));
    assert.equal(watcher.processes[0]!.pid, pid);
  });

  it('a watcher that waits for another starts when that is ready', async () => {
    const gate = `${folder.path}/gate`;
    const first = world().add('sleep 600', { 'ready.exec': `test -e ${gate}` }, { name: 'first', priority: 2 });
    const second = world().add('sleep 600', {}, { name: 'second', priority: 1 });
    const started = world().arbiter.startAll([first, second]);
    await eventually(() => assert.equal(stateOf(first), 'unready'));
    assert.equal(second.processes.length, 0);
    folder.write('gate', '');
    await started;
    assert.equal(second.processes.length, 1);
  });

  it('a process that is refused at run time leaves no question open', async () => {
    const watcher = world().add('sleep 600', { 'ready.exec': 'false', 'ready.interval': '0.05' });
    void watcher.start();
    await eventually(() => assert.equal(watcher.processes.length, 1));
    await watcher.stop().result;
    assert.deepEqual(world().faults, []);
  });

  it('settings that can not be are refused where a watcher is added', () => {
    assert.throws(
      () => world().add('sleep 600', { 'ready.htp': 'x' }),
      /"ready.htp" is no condition .*did you mean "ready.http"/,
    );
    const port = String(world().port);
    assert.throws(() => world().add('sleep 600', { 'ready.tcp': port }), /"ready.tcp" points at socket "web"/);
  });
});
