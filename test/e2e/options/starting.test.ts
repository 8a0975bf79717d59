import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { subjectPerTest } from './subject.js';

describe('options about starting, on a real child', () => {
  const start = subjectPerTest();

  it('numprocesses: are kept', async () => {
    const subject = await start('cmd = sleep 600\nnumprocesses = 3');
    process.kill((await subject.running(3))[1]!, 'SIGKILL');
    await eventually(async () => assert.equal((await subject.ends()).length, 1));
    await subject.running(3);
  });

  it('warmup_delay: is kept between two spawns', async () => {
    const subject = await start('cmd = sleep 600\nnumprocesses = 3\nwarmup_delay = 0.4');
    const times = await eventually(async () => {
      const spawns = await subject.events('spawn');
      assert.equal(spawns.length, 3);
      return spawns.map(({ time }) => time);
    });
    for (const [at, time] of times.slice(1).entries()) assert.ok(time - times[at]! >= 0.39, times.join(' '));
  });

  it('priority: the highest starts first and stops last', async () => {
    const other = (name: string, priority: number) => `[watcher:${name}]\ncmd = sleep 600\npriority = ${priority}\n`;
    const subject = await start('cmd = sleep 600\npriority = 5', other('a', 1) + other('b', 9));
    const order = async (kind: string) => {
      const events = await subject.events(kind);
      assert.equal(events.length, 3);
      return events.map(({ watcher }) => watcher);
    };
    assert.deepEqual(await eventually(() => order('start')), ['b', 'w', 'a']);
    await subject.does('stop');
    assert.deepEqual(await order('stop'), ['a', 'w', 'b']);
  });

  it('autostart: without it, only a start by name starts it', async () => {
    const subject = await start('cmd = sleep 600\nautostart = False');
    assert.equal(await subject.state(), 'stopped');
    await subject.does('start');
    assert.equal(await subject.state(), 'stopped');
    await subject.does('start', 'w');
    assert.deepEqual([await subject.state(), (await subject.pids()).length], ['active', 1]);
  });

  it('respawn: what ends is followed by another, or by none', async () => {
    const subject = await start('cmd = sleep 600', '[watcher:once]\ncmd = sleep 600\nrespawn = False');
    const [[kept], [once]] = [await subject.running(1, 'w'), await subject.running(1, 'once')];
    for (const pid of [kept, once]) process.kill(pid!, 'SIGKILL');
    await eventually(async () => {
      const pids = await subject.pids('w');
      assert.ok(pids.length === 1 && pids[0] !== kept);
      assert.equal(await subject.state('once'), 'completed');
    });
    assert.deepEqual(await subject.pids('once'), []);
  });

  it('singleton: never runs twice, whatever is asked for', async () => {
    const subject = await start(
      `cmd = sh -c 'mkdir lock || echo TWICE; trap "rmdir lock; exit 0" TERM; echo locked; while :; do sleep 0.05; done'\nsingleton = True`,
    );
    await subject.says('locked');
    for (const words of [
      ['reload', 'w'],
      ['restart', 'w'],
      ['incr', 'w'],
      ['reload', 'w', '--sequential'],
    ]) {
      const locks = subject.daemon.log.split('locked').length;
      await subject.daemon.ctl(...words, '--waiting');
      if (words[0] !== 'incr') await eventually(() => assert.ok(subject.daemon.log.split('locked').length > locks));
    }
    assert.equal((await subject.pids()).length, 1);
    assert.ok(!subject.daemon.log.includes('TWICE'));
    assert.equal((await subject.ends()).length, 3);
  });

  it('max_retry: so many attempts to start it are made', async () => {
    const subject = await start(`cmd = sleep 600\nrlimit_nofile = ${2 ** 40}\nmax_retry = 2`);
    await eventually(async () => assert.equal(await subject.state(), 'gave-up'));
    assert.equal((await subject.ends()).filter(({ reason }) => reason === 'not run').length, 2);
  });

  it('max_retry: -1 never gives up, and is in no hurry', async () => {
    const subject = await start('cmd = /nowhere/program\nmax_retry = -1');
    await eventually(async () => assert.ok((await subject.events('retry')).length >= 2));
    const [first, second] = await subject.events('retry');
    assert.ok(first!.in! > 0.1 && second!.time - first!.time >= first!.in! - 0.01);
    assert.equal(await subject.state(), 'retrying');
  });

  it('ready_after: is how long it must live to be ready', async () => {
    const subject = await start('cmd = sleep 600\nready_after = 0.5');
    await eventually(async () => assert.equal((await subject.events('ready')).length, 1));
    const [[ready], [spawn]] = [await subject.events('ready'), await subject.events('spawn')];
    assert.ok(ready!.time - spawn!.time >= 0.49);
  });
});
