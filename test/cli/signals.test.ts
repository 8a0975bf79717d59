/** What signals do to the daemon. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { eventually } from '../support/eventually.js';
import { program } from '../support/paths.js';
import { descendantsOf, lives } from '../support/proc.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, daemonPerTest } from './program.js';

/** Says when it is there, and does not end on SIGTERM. */
const stubborn = `cmd = sh -c "trap '' TERM; touch ready; while :; do sleep 100; done"\ncopy_env = True\n`;

describe('a signal to circusd', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();
  const there = (name: string) => statSync(`${folder.path}/${name}`, { throwIfNoEntry: false }) !== undefined;

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    it(`${signal} stops everything in order, with exit code 0`, async () => {
      folder.write(
        'a.ini',
        '[watcher:first]\ncmd = sleep 100\npriority = 2\n[watcher:second]\ncmd = sleep 100\npriority = 1\nnumprocesses = 2\n',
      );
      const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'second started');
      const children = descendantsOf(daemon.pid);
      assert.equal(children.length, 3);
      assert.equal(await daemon.stop(signal), 0);
      assert.match(daemon.output, new RegExp(`Got signal SIG_${signal.slice(3)}`));
      assert.match(daemon.output, /second stopped[^]*first stopped[^]*circusd exits\n$/);
      assert.deepEqual(children.filter(lives), []);
    });
  }

  it('a second SIGTERM kills what still runs, at once', async () => {
    folder.write('a.ini', `[watcher:a]\n${stubborn}graceful_timeout = 60\n`);
    const daemon = await start(place(), ['a.ini'], 'a started');
    await eventually(() => there('ready'));
    const children = descendantsOf(daemon.pid);
    daemon.signal('SIGTERM');
    await daemon.says('stopping 1 watcher');
    assert.ok(daemon.running);
    // Whoever asks again and again is heard; only what comes at the same moment is the same wish.
    await eventually(() => (daemon.signal('SIGTERM'), daemon.output.includes('asked to stop again')));
    assert.equal(await daemon.exited, 0);
    assert.deepEqual(children.filter(lives), []);
  });

  it('SIGTERM twice at the same moment, as npm and timeout send it, is one', async () => {
    folder.write(
      'a.ini',
      `[watcher:a]\ncmd = sh -c "trap 'touch ended; exit' TERM; touch ready; while :; do sleep 0.1; done"\n`,
    );
    const daemon = await start(place(), ['a.ini'], 'a started');
    await eventually(() => there('ready'));
    daemon.signal('SIGTERM');
    daemon.signal('SIGINT');
    assert.equal(await daemon.exited, 0);
    assert.deepEqual([there('ended'), daemon.output.includes('asked to stop again')], [true, false]);
  });

  it('SIGTERM during a long start stops at once, and starts nothing more', async () => {
    folder.write(
      'a.ini',
      '[circus]\nwarmup_delay = 60\n[watcher:a]\ncmd = sleep 100\npriority = 2\n[watcher:b]\ncmd = sleep 100\n',
    );
    const daemon = await start(place(), ['a.ini'], 'a started');
    const begun = performance.now();
    assert.equal(await daemon.stop(), 0);
    assert.ok(performance.now() - begun < 5000);
    assert.doesNotMatch(daemon.output, /b started/);
  });

  it('SIGTERM while the processes of a watcher start one by one stops at once', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = touch ready\nnumprocesses = 3\nwarmup_delay = 60\nrespawn = False\n');
    const daemon = await start(place(), ['a.ini']);
    await eventually(() => there('ready'));
    const begun = performance.now();
    assert.equal(await daemon.stop(), 0);
    assert.ok(performance.now() - begun < 5000);
  });

  it('SIGTERM at any moment of the start ends it in order', async () => {
    folder.write('a.ini', '[socket:s]\npath = s\n[watcher:a]\ncmd = sleep 100\n');
    for (const moment of ['taking commands', 'listens on', 'starts 1 watcher']) {
      const daemon = await start(place(), ['a.ini', '--pidfile', 'a.pid'], moment);
      assert.equal(await daemon.stop(), 0, moment);
      assert.ok(!there('a.pid') && !there('s') && !there('run/control.sock'), moment);
    }
  });

  it('SIGHUP reloads all watchers', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 100\n');
    const daemon = await start(place(), ['a.ini'], 'a started');
    const [before] = descendantsOf(daemon.pid);
    daemon.signal('SIGHUP');
    await daemon.says('a reloaded');
    const after = descendantsOf(daemon.pid);
    assert.equal(after.length, 1);
    assert.notEqual(after[0]!.pid, before!.pid);
    assert.match(daemon.output, /Got signal SIG_HUP/);
  });

  it('SIGHUP while everything stops starts nothing again', async () => {
    folder.write('a.ini', `[watcher:slow]\n${stubborn}graceful_timeout = 1\n[watcher:quick]\ncmd = sleep 100\n`);
    const daemon = await start(place(), ['a.ini'], 'slow started');
    await daemon.says('quick started');
    await eventually(() => there('ready'));
    daemon.signal('SIGTERM');
    await daemon.says('quick stopped');
    daemon.signal('SIGHUP');
    await daemon.says('SIG_HUP');
    const children = descendantsOf(daemon.pid);
    assert.equal(await daemon.exited, 0);
    assert.deepEqual(children.filter(lives), []);
    assert.equal(daemon.output.match(/quick started/g)?.length, 1);
  });

  it('SIGWINCH and SIGUSR1 do nothing', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 100\n');
    const daemon = await start(place(), ['a.ini'], 'a started');
    const before = descendantsOf(daemon.pid);
    daemon.signal('SIGWINCH');
    daemon.signal('SIGUSR1');
    await daemon.says('SIG_USR1');
    assert.equal((await circusctl(place(), 'status')).stdout, 'a: active\n');
    assert.deepEqual(descendantsOf(daemon.pid), before);
  });

  it('quit, the command, does as SIGTERM', async () => {
    folder.write('a.ini', '[watcher:a]\ncmd = sleep 100\n');
    const daemon = await start(place(), ['a.ini'], 'a started');
    assert.equal((await circusctl(place(), 'quit', '--waiting')).code, 0);
    assert.equal(await daemon.exited, 0);
    assert.match(daemon.output, /a stopped[^]*circusd exits/);
  });
});

describe('the file mask of circusd', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();

  it('is what the configuration says, also for processes', async () => {
    folder.write('a.ini', '[circus]\numask = 027\nendpoint =\n[watcher:a]\ncmd = sh -c "umask > mask; sleep 100"\n');
    await start(place(), ['a.ini']);
    await eventually(() => assert.match(readFileSync(`${folder.path}/mask`, 'utf8'), /^0*27\n$/));
    assert.equal(statSync(`${folder.path}/mask`).mode & 0o777, 0o640);
  });

  it('SIGUSR1 opens no debugger, also while the configuration is read', async () => {
    const pipe = `${folder.path}/a.ini`;
    execFileSync('mkfifo', [pipe]);
    const daemon = await start(place(), ['a.ini'], '');
    // There is somebody to write to as soon as the daemon opens it.
    const file = await eventually(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), { within: 10_000 });
    daemon.signal('SIGUSR1');
    writeSync(file, '[watcher:a]\ncmd = sleep 100\n');
    closeSync(file);
    await daemon.says('a started');
    assert.equal(await daemon.stop(), 0);
    assert.doesNotMatch(daemon.output, /Debugger listening/);
  });

  for (const name of ['circusd', 'circusctl', 'circus-plugin']) {
    it(`SIGUSR1 is seen to by the first module that ${name} evaluates`, () => {
      const bundle = program(name);
      const [, first] = /^import (?:[^'"]*? from )?"(\..*?)";/m.exec(readFileSync(bundle, 'utf8'))!;
      const text = readFileSync(new URL(first!, pathToFileURL(bundle)), 'utf8');
      assert.match(text, /process\.on\("SIGUSR1"/);
      assert.doesNotMatch(text, /^import .*"\./m);
    });
  }
});
