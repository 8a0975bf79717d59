import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Watcher } from '#core';
import health from '#plugins/health/index.js';
import { eventually } from '../../support/eventually.js';
import { environmentOf } from '../../support/proc.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { program, worldPerTest } from './world.js';

const stateOf = ({ processes }: Watcher) => processes[0]?.state;

describe('notices by sd_notify', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  const gate = (name: string) => `await:${folder.path}/${name}`;
  const sending = (words: readonly string[], options: Readonly<Record<string, unknown>> = {}) =>
    world().add('/usr/bin/python3', { notify: 'main', ...options }, { args: [program('notify.py'), ...words] });

  it('READY=1 makes it ready, RELOADING=1 unready until the next, STATUS is shown', async () => {
    const watcher = sending([gate('a'), 'READY=1\nSTATUS=warm', gate('b'), 'RELOADING=1', gate('c'), 'READY=1']);
    const started = watcher.start().result;
    await eventually(() => assert.match(world().explained(watcher), /ready.notify: it has not sent READY=1/));
    folder.write('a', '');
    await started;
    assert.equal(world().explained(watcher), 'It counts as ready: ready.notify: it has sent READY=1. It says: warm');
    folder.write('b', '');
    await eventually(() => assert.equal(stateOf(watcher), 'unready'));
    assert.match(world().explained(watcher), /^It is not ready: it said that it reloads/);
    folder.write('c', '');
    await eventually(() => assert.equal(stateOf(watcher), 'ready'));
  });

  it('one that says RELOADING=1 and READY=1 without end changes ten times a second at most, and the last counts', async () => {
    const words = Array.from({ length: 100 }, (_, at) => (at % 2 ? 'READY=1' : 'RELOADING=1'));
    const watcher = sending(['READY=1', gate('a'), ...words, 'RELOADING=1', 'STATUS=over']);
    await watcher.start().result;
    const changes: string[] = [];
    world().hooks.processState.tap('test', (_process, _before, after) => void changes.push(after));
    folder.write('a', '');
    const begun = performance.now();
    await eventually(() => assert.match(world().explained(watcher), /over/));
    const took = performance.now() - begun;
    await eventually(() => assert.equal(stateOf(watcher), 'unready'));
    assert.ok(changes.length <= 2 + took / 100, `${changes.length} changes in ${took} ms`);
  });

  it('STOPPING=1 makes it unready, and nobody looks whether it is alive any more', async () => {
    const watcher = sending(['READY=1', gate('a'), 'STOPPING=1'], { 'alive.notify': '0.4', 'alive.exec': 'false' });
    await watcher.start().result;
    folder.write('a', '');
    await eventually(() => assert.equal(stateOf(watcher), 'unready'));
    const [process] = watcher.processes;
    await eventually(() => assert.ok(process!.age > 1200));
    assert.deepEqual([process!.alive, process!.stopping], [true, undefined]);
    assert.match(world().explained(watcher), /^It is not ready: it said that it stops/);
  });

  it('a child is heard with notify = all, and not with notify = main, which is told', async () => {
    const main = sending(['child:READY=1', gate('a'), 'READY=1'], { 'ready.timeout': '20' });
    const started = main.start().result;
    await eventually(() =>
      assert.match(world().lines.join(), /web: process \d+ sent a notice .*: write "notify = all"/),
    );
    assert.equal(stateOf(main), 'unready');
    folder.write('a', '');
    await started;

    const words = [program('notify.py'), 'child:READY=1\nSTATUS=child'];
    const all = world().add('/usr/bin/python3', { notify: 'all' }, { name: 'all', args: words });
    await all.start().result;
    assert.match(world().explained(all), /it has sent READY=1. It says: child$/);
  });

  it('a stranger is not heard', async () => {
    const watcher = sending([gate('a'), 'READY=1'], { notify: 'all' });
    const started = watcher.start().result;
    const variable = () => environmentOf(watcher.processes[0]!.pid)['NOTIFY_SOCKET'];
    const NOTIFY_SOCKET = await eventually(() => variable() ?? false);
    const stranger = spawn('/usr/bin/python3', [program('notify.py'), 'READY=1'], {
      env: { NOTIFY_SOCKET: String(NOTIFY_SOCKET) },
    });
    await eventually(() => assert.match(world().lines.join(), /which is none of ours, sent a notice/));
    assert.equal(stateOf(watcher), 'unready');
    stranger.kill();
    await once(stranger, 'close');
    folder.write('a', '');
    await started;
  });

  it('is heard from the first moment on, and over a reload of the plugin', async () => {
    // Others take their time before the kernel asks whether it is ready.
    let release = () => undefined as void;
    world().hooks.afterSpawn.tap('test', () => new Promise<void>((resolve) => (release = resolve)));
    const watcher = sending(['READY=1\nSTATUS=early', gate('a'), 'RELOADING=1']);
    const started = watcher.start().result;
    await eventually(() => assert.ok(watcher.processes[0] && /early/.test(world().explained(watcher))));
    release();
    await started;
    assert.equal(stateOf(watcher), 'ready');
    await world().host.reload('health', { plugin: health, options: {} });
    folder.write('a', '');
    await eventually(() => assert.equal(stateOf(watcher), 'unready'));
  });

  it('MAINPID names another process of its tree, and no other', async () => {
    const code = `import os, subprocess, sys
child = subprocess.Popen([sys.executable, '${program('notify.py')}', '${gate('a')}', 'READY=1'])
subprocess.Popen([sys.executable, '-c', '''
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))
s.send(b'STATUS=by another')
import signal
signal.pause()
'''])
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))
s.send(b'MAINPID=1')
s.send(b'MAINPID=%d' % child.pid)
child.wait()`;
    const watcher = world().add('/usr/bin/python3', { notify: 'main' }, { args: ['-c', code] });
    const started = watcher.start().result;
    await eventually(() => assert.match(world().lines.join(), /sent a notice for process/));
    folder.write('a', '');
    await started;
    assert.equal(world().explained(watcher), 'It counts as ready: ready.notify: it has sent READY=1.');
  });

  it('FDSTORE=1 is refused with a word, and closes what came along', async () => {
    const watcher = sending(['FDSTORE=1\nFDNAME=x', 'FDSTORE=1\nFDNAME=y', 'READY=1']);
    await watcher.start().result;
    const told = world().lines.filter((line) =>
      /web: process \d+ wants descriptors to be kept, which circusd does not do/.test(line),
    );
    assert.equal(told.length, 1);
  });

  it('who is silent for too long is replaced, and who says so as well', async () => {
    const watcher = sending(['READY=1', 'WATCHDOG=1'], { 'alive.notify': '0.3' });
    await watcher.start().result;
    const [first] = watcher.processes;
    assert.equal(environmentOf(first!.pid)['WATCHDOG_USEC'], '300000');
    await eventually(() => assert.notEqual(watcher.processes[0]?.pid ?? first!.pid, first!.pid));
    assert.match(world().lines.join(), /is replaced: alive.notify: it has not said for 0.3 s that it is alive/);

    const troubled = world().add(
      '/usr/bin/python3',
      { notify: 'main', 'alive.notify': '60' },
      {
        name: 'troubled',
        args: [program('notify.py'), 'READY=1', gate('b'), 'WATCHDOG=trigger'],
      },
    );
    await troubled.start().result;
    const [second] = troubled.processes;
    folder.write('b', '');
    await eventually(() => assert.equal(second!.alive, false));
    assert.match(world().lines.join(), /alive.notify: it says that it is in trouble/);
  });

  it('a limit that it names itself counts, and signs of life keep it', async () => {
    const beat = `import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1))
s.send(b'WATCHDOG_USEC=400000\\nREADY=1')
for _ in range(12):
    s.send(b'WATCHDOG=1')
    time.sleep(0.1)
time.sleep(600)`;
    const watcher = world().add('/usr/bin/python3', { 'alive.notify': '60' }, { args: ['-c', beat] });
    await watcher.start().result;
    const [process] = watcher.processes;
    const { lived } = await process!.ended;
    assert.ok(lived > 1400, `${lived} ms`);
  });

  it('redis tells systemd, and us', async function () {
    execFileSync('redis-server', ['--version']);
    const cmd = `redis-server --port 0 --unixsocket ${folder.path}/redis.sock --supervised systemd --save "" --daemonize no`;
    const watcher = world().add(cmd, { notify: '1' });
    await watcher.start().result;
    assert.equal(stateOf(watcher), 'ready');
    assert.match(world().explained(watcher), /has sent READY=1. It says: Ready to accept connections/);
    await watcher.stop().result;
  });
});
