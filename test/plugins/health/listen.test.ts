import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import type { Watcher } from '#core';
import { request } from '../../e2e/load.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { worldPerTest } from './world.js';

const pids = ({ processes }: Watcher) => processes.filter(({ stopping }) => !stopping).map(({ pid }) => pid);

describe('whether a process accepts on its sockets', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  const reload = (watcher: Watcher) => world().arbiter.reload(watcher).result;

  const ways = {
    accept: /it sleeps in accept/,
    poll: /it sleeps in poll/,
    epoll: /it has it in an epoll set/,
    thread: /it sleeps in accept/,
    grandchild: /it sleeps in accept/,
  };
  for (const [way, words] of Object.entries(ways)) {
    it(`is seen of one that waits for clients by ${way}, though it says nothing`, async () => {
      const watcher = world().serving(way);
      await watcher.start().result;
      await eventually(() => assert.equal(watcher.processes[0]?.state, 'ready'));
      assert.match(world().explained(watcher), words);
      const before = pids(watcher);
      await reload(watcher);
      assert.equal(watcher.processes[0]!.state, 'ready');
      assert.notDeepEqual(pids(watcher), before);
      assert.match((await request(world().port)).text, /^\d+$/);
    });
  }

  it('is waited for by a start where that is asked, and by a reload anyhow', async () => {
    const gate = `${folder.path}/gate`;
    const watcher = world().serving('poll', { 'ready.listen': '1' }, {}, gate);
    const started = watcher.start().result;
    await eventually(() => assert.match(world().explained(watcher), /not ready: ready.listen: it does not accept/));
    assert.equal(watcher.state, 'starting');
    folder.write('gate', '');
    await started;
    assert.equal(watcher.processes[0]!.state, 'ready');
  });

  it('does not hold up the start of a watcher that says nothing for more than a second', async () => {
    const gate = `${folder.path}/gate`;
    const watcher = world().serving('poll', {}, {}, gate);
    const begun = performance.now();
    await watcher.start().result;
    const took = performance.now() - begun;
    assert.ok(took > 900 && took < 5000, `${took} ms`);
    assert.deepEqual([watcher.state, watcher.processes[0]!.state], ['active', 'unready']);
    folder.write('gate', '');
    await eventually(() => assert.equal(watcher.processes[0]!.state, 'ready'));
    const [old] = pids(watcher);
    rmSync(gate);
    const reloaded = reload(watcher);
    await eventually(() => assert.equal(watcher.processes.length, 2));
    await eventually(() => assert.ok(watcher.processes.every(({ age }) => age > 1200)));
    assert.ok(pids(watcher).includes(old!), 'the old one was stopped though the new one does not accept');
    folder.write('gate', '');
    await reloaded;
    assert.ok(!pids(watcher).includes(old!));
  });

  it('a copy that hangs is removed, the old one is not signalled, and the reload says why', async () => {
    const gate = `${folder.path}/gate`;
    folder.write('gate', '');
    const watcher = world().serving('epoll', { 'ready.timeout': '0.8' }, {}, gate);
    await watcher.start().result;
    const [old] = pids(watcher);
    const signalled: number[] = [];
    world().hooks.signalled.tap('test', ({ pid }) => void signalled.push(pid));
    rmSync(gate);
    await assert.rejects(
      reload(watcher),
      /did not become ready: refused by health \(ready.listen: it does not accept on its sockets, for 0.8 s\)/,
    );
    assert.deepEqual(pids(watcher), [old]);
    assert.ok(signalled.length > 0 && !signalled.includes(old!));
    assert.equal((await request(world().port)).text, String(old));
  });

  it('a copy that crashes fails the reload at once', async () => {
    const watcher = world().serving('accept');
    await watcher.start().result;
    const [old] = pids(watcher);
    const cmd = watcher.spec.cmd.replace(' accept ', ' crash ');
    const change = (spec: Watcher['spec']) => ({ ...spec, cmd });
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, /it exited with code 3/);
    assert.deepEqual(pids(watcher), [old]);
  });

  it('counts as ready after a second where it waits by select(), and says so', async () => {
    const watcher = world().serving('select', { 'ready.listen': '1' });
    await watcher.start().result;
    const [process] = watcher.processes;
    assert.ok(process!.state === 'ready' && process!.age >= 1000, `${process!.state} after ${process!.age} ms`);
    assert.match(
      world().explained(watcher),
      /it sleeps in select\(\), which tells nothing, and has lived 1 s \(ready.settle\)/,
    );
    await reload(watcher);
    assert.equal((await request(world().port)).text, String(pids(watcher)[0]));
  });

  it('counts as ready after a second where it uses io_uring', async function () {
    const setting = '/proc/sys/kernel/io_uring_disabled';
    if (existsSync(setting) && readFileSync(setting, 'utf8') === '2\n') return this.skip();
    const watcher = world().serving('uring', { 'ready.listen': '1' });
    await watcher.start().result;
    assert.match(world().explained(watcher), /it uses io_uring, which tells nothing, and has lived 1 s/);
    await reload(watcher);
  });

  it('counts as ready after a second where a process of another user hides what it does', async () => {
    assert.equal(process.getuid?.(), 0, 'this test changes users, so it needs root');
    const watcher = world().serving('accept', { 'ready.listen': '1' });
    // A daemon that is not root, beside a process whose real user is.
    process.seteuid!('nobody');
    try {
      await watcher.start().result;
      const [process] = watcher.processes;
      assert.ok(process!.state === 'ready' && process!.age >= 1000, `${process!.state} after ${process!.age} ms`);
      assert.match(
        world().explained(watcher),
        /process \d+ can't be looked at \(EACCES\), which tells nothing, and has lived 1 s \(ready.settle\)/,
      );
      await reload(watcher);
    } finally {
      process.seteuid!(0);
    }
    assert.equal((await request(world().port)).text, String(pids(watcher)[0]));
  });

  it('a program that works without ever being seen to accept is reloaded all the same', async () => {
    const watcher = world().serving('nap');
    await watcher.start().result;
    assert.equal(watcher.processes[0]!.state, 'unready');
    const before = pids(watcher);
    await reload(watcher);
    assert.notDeepEqual(pids(watcher), before);
    assert.match(world().explained(watcher), /as others of the watcher don't, and has lived 1 s/);
    // Also where the old one is stopped first.
    await world().arbiter.reload(watcher, { sequential: true }).result;
    assert.equal((await request(world().port)).text, String(pids(watcher)[0]));
  });

  it('is seen of one that is busy with a client', async () => {
    const watcher = world().serving('hold', { 'ready.listen': '1' });
    const started = watcher.start().result;
    await eventually(() => assert.match(world().explained(watcher), /it does not accept/));
    const client = connect(world().port, '127.0.0.1');
    await started;
    assert.match(world().explained(watcher), /^It counts as ready: ready.listen: it has accepted a client\./);
    client.destroy();
  });

  it('is asked of a copy also while the old one is too busy to be seen waiting', async () => {
    const watcher = world().serving('hold');
    await watcher.start().result;
    const client = connect(world().port, '127.0.0.1');
    await once(client, 'connect');
    const [old] = pids(watcher);
    const crash = (spec: Watcher['spec']) => ({ ...spec, cmd: `sh -c 'sleep 1.3; exit 3'` });
    await assert.rejects(world().arbiter.reload(watcher, { change: crash }).result, /it exited with code 3/);
    assert.deepEqual(pids(watcher), [old]);
    // But the probe never fails what works without being seen.
    await reload(watcher);
    assert.match(world().explained(watcher), /as others are too busy to be seen, and has lived 10 s/);
    client.destroy();
  });

  it('is not asked where that is switched off, or ready_after says something', async () => {
    const quiet = world().serving('hang', { 'ready.listen': '0' });
    const timed = world().serving('hang', {}, { name: 'timed', ready_after: 0 });
    for (const watcher of [quiet, timed]) {
      await watcher.start().result;
      assert.equal(watcher.processes[0]!.state, 'ready');
    }
  });

  it('a port of its own counts too', async () => {
    const { port } = world();
    world().arbiter.removeSocket('web');
    const watcher = world().serving('own-port', { 'ready.listen': '1' }, { use_sockets: false });
    watcher.update({ ...watcher.spec, cmd: watcher.spec.cmd.replace('$(circus.sockets.web)', String(port)) });
    await watcher.start().result;
    assert.equal(watcher.processes[0]!.state, 'ready');
    assert.ok(world().explained(watcher).includes(`it listens on port ${port}`));
  });
});
