/** The daemon's own log: where it goes, in what form, and that nothing that happens to it ends the service. */
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { eventually } from '../support/eventually.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, circusd, daemonPerTest, linesOf } from './program.js';

describe('the log of circusd', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();
  const at = (name: string) => `${folder.path}/${name}`;
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'utf8') : '');
  const ini = '[watcher:a]\ncmd = sleep 100\n';
  const restart = async () => assert.equal((await circusctl(place(), 'restart', 'a', '--waiting')).code, 0);

  it('is JSON when nobody reads it on a terminal', async () => {
    folder.write('a.ini', ini);
    const daemon = await start(place(), ['a.ini'], 'a started');
    assert.equal(await daemon.stop(), 0);
    const entries = linesOf(daemon.output).map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(entries.length >= 6);
    for (const { level, time, pid, msg } of entries) {
      assert.equal(typeof level, 'number');
      assert.ok(Math.abs(Number(time) - Date.now()) < 60_000);
      assert.equal(pid, daemon.pid);
      assert.equal(typeof msg, 'string');
    }
    const messages = entries.map(({ msg }) => msg);
    const order = [
      'Arbiter now waiting for commands',
      'a started',
      'Got signal SIG_TERM',
      'a stopped',
      'circusd exits',
    ];
    assert.deepEqual(
      messages.filter((msg) => order.includes(String(msg))),
      order,
    );
  });

  it('is in lines as in Circus when that is asked for', async () => {
    folder.write('a.ini', ini);
    const daemon = await start(place(), ['a.ini', '--log-format', 'text'], 'a started');
    assert.equal(await daemon.stop(), 0);
    const line = new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d circus\\[${daemon.pid}\\] \\[INFO\\] \\S`);
    for (const text of linesOf(daemon.output)) assert.match(text, line);
  });

  it('has the level of the command line, or else of the configuration', async () => {
    folder.write('a.ini', `[circus]\nloglevel = error\n${ini}`);
    const quiet = await start(place(), ['a.ini'], '');
    await eventually(() => existsSync(at('run/control.sock')));
    await restart();
    assert.equal(await quiet.stop(), 0);
    assert.equal(quiet.output, '');
    const loud = await start(place(), ['a.ini', '--log-level', 'debug'], 'a: process');
    assert.equal(await loud.stop(), 0);
    assert.match(loud.output, /"level":20/);
  });

  it('goes to a file, which is opened again after it was moved away', async () => {
    folder.write('a.ini', `[circus]\nlogoutput = a.log\n${ini}`);
    folder.write('a.log', 'before\n');
    const daemon = await start(place(), ['a.ini'], '');
    await eventually(() => read('a.log').includes('a started'));
    assert.match(read('a.log'), /^before\n\{/);
    renameSync(at('a.log'), at('a.log.1'));
    await restart();
    assert.match(read('a.log'), /a stopped[^]*a started/);
    assert.doesNotMatch(read('a.log.1'), /a stopped/);
    rmSync(at('a.log'));
    assert.equal(await daemon.stop(), 0);
    assert.match(read('a.log'), /circusd exits/);
    assert.equal(daemon.output, '');
  });

  it('goes on when its folder is gone and comes back', async () => {
    folder.write('a.ini', ini);
    mkdirSync(at('logs'));
    const daemon = await start(place(), ['a.ini', '--log-output', 'logs/a.log'], '');
    await eventually(() => read('logs/a.log').includes('a started'));
    rmSync(at('logs'), { recursive: true });
    await restart();
    mkdirSync(at('logs'));
    await restart();
    assert.match(read('logs/a.log'), /a started/);
    assert.equal(await daemon.stop(), 0);
  });

  it('is a file for its owner and group alone, and no link', async () => {
    folder.write('a.ini', ini);
    folder.write('other', '');
    const daemon = await start(place(), ['a.ini', '--log-output', 'a.log'], '');
    await eventually(() => read('a.log').includes('a started'));
    renameSync(at('a.log'), at('a.log.1'));
    symlinkSync('other', at('a.log'));
    await restart();
    assert.match(read('a.log.1'), /a stopped/);
    rmSync(at('a.log'));
    await restart();
    assert.equal(await daemon.stop(), 0);
    for (const name of ['a.log', 'a.log.1']) assert.equal(statSync(at(name)).mode & 0o027, 0);
    symlinkSync('other', at('b.log'));
    const { code, stderr } = await circusd(place(), 'a.ini', '--log-output', 'b.log');
    assert.deepEqual([code, stderr], [4, 'error: the log "b.log" cannot be opened: it is a symbolic link\n']);
    assert.equal(read('other'), '');
  });

  it('may be a link of the system, such as /dev/stderr', async () => {
    folder.write('a.ini', ini);
    const file = openSync(at('a.log'), 'a');
    const daemon = await start(place(), ['a.ini', '--log-output', '/dev/stderr'], '', file);
    closeSync(file);
    await eventually(() => read('a.log').includes('a started'));
    assert.equal(await daemon.stop(), 0);
  });

  it('that cannot be opened is one line, and the daemon does not start', async () => {
    folder.write('a.ini', ini);
    for (const output of [folder.path, 'no/such/a.log', '/proc/none/a.log']) {
      const { code, stdout, stderr } = await circusd(place(), 'a.ini', '--log-output', output);
      assert.deepEqual([code, stdout], [4, '']);
      assert.match(stderr, /^error: the log ".*" cannot be opened: .*\n$/);
      assert.ok(stderr.includes(output));
    }
  });

  it('tells the caller, too, why a start failed when it goes to a file', async () => {
    folder.write('a.ini', '[circus]\nendpoint =\n[socket:s]\npath = /proc/s\n');
    const { code, stderr } = await circusd(place(), '--strict', 'a.ini', '--log-output', 'a.log');
    assert.equal(code, 4);
    assert.match(stderr, /^error: a\.ini:4:8: socket "s" .*\n$/);
    assert.match(read('a.log'), /a\.ini:4:8: socket/);
  });

  it('on a full device never stops the service', async () => {
    folder.write('a.ini', ini);
    const file = await start(place(), ['a.ini', '--log-output', '/dev/full'], '');
    await eventually(() => existsSync(at('run/control.sock')));
    for (let round = 0; round < 3; round++) await restart();
    assert.equal(await file.stop(), 0);
    const full = openSync('/dev/full', 'w');
    const stderr = await start(place(), ['a.ini'], '', full);
    closeSync(full);
    await eventually(() => existsSync(at('run/control.sock')));
    await restart();
    assert.equal(await stderr.stop(), 0);
  });

  it('to a reader that has gone away never stops the service', async () => {
    folder.write('a.ini', ini);
    const daemon = await start(place(), ['a.ini'], 'a started');
    daemon.closeOutput();
    await restart();
    await restart();
    assert.equal(await daemon.stop(), 0);
  });
});
