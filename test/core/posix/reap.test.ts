import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { libc } from '../../../core/posix/libc.js';
import { becomeSubreaper, childrenOf } from '../../../core/posix/process.js';
import { adoptOrphans, isExpected, releaseReaper } from '../../../core/posix/reap.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { see } from '../../support/proc.js';
import { Child } from '../child.js';

const P_PID = 1;
const WEXITED = 4;
const run = promisify(execFile);
const zombies = () => childrenOf(process.pid).filter((pid) => see(pid)?.zombie);

describe('reaping', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(async () => {
    await assertNothingLeft();
    releaseReaper();
  });

  it('tells how a child ended: its code, or the signal', async () => {
    assert.deepEqual(await ending('exit 0'), { code: 0, signal: null });
    assert.deepEqual(await ending('exit 255'), { code: 255, signal: null });
    assert.deepEqual(await ending('kill -KILL $$'), { code: null, signal: 9 });
    assert.deepEqual(await ending('ulimit -c 0; kill -QUIT $$'), { code: null, signal: 3 });
  });

  it('learns of the very first child, however soon it ends', async () => {
    for (let round = 0; round < 20; round++) {
      releaseReaper();
      assert.equal((await new Child('true').process.ended).code, 0);
    }
  });

  it('tells the end also of a child that somebody else has collected', async () => {
    const { process } = new Child('sleep 600');
    void process.signal(9);
    // Collected here, before the event loop has had a turn.
    while (libc().waitid(P_PID, process.pid, Buffer.alloc(128), WEXITED) !== 0);
    const { code, signal } = await process.ended;
    assert.deepEqual([code, signal], [null, null]);
  });

  it('forgets a child when it has ended', async () => {
    const { process } = new Child('sleep 600');
    assert.ok(isExpected(process.pid));
    void process.signal(9);
    await process.ended;
    assert.equal(isExpected(process.pid), false);
  });

  it('leaves the children of child_process alone, among orphans and children of our own', async function () {
    this.timeout(20_000);
    becomeSubreaper();
    adoptOrphans();
    const ours: Promise<unknown>[] = [];
    const theirs: Promise<unknown>[] = [];
    for (let round = 0; round < 200; round++) {
      theirs.push(run('true'));
      ours.push(new Child('true').process.ended);
      // So that zombies of all three kinds are there when orphans are collected.
      if (round % 20 === 0) ours.push(new Child('orphan-many.py 3').process.ended);
      if (round % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(ours);
    await Promise.all(theirs);
    await eventually(() => assert.deepEqual(zombies(), []));
  });

  it('leaves alone what a worker thread has started, however late that thread is', async function () {
    this.timeout(30_000);
    becomeSubreaper();
    adoptOrphans();
    const source = `
      const { execFile } = require('node:child_process');
      const { parentPort } = require('node:worker_threads');
      let ended = 0;
      const tell = () => ++ended === 20 && parentPort.postMessage('all ended');
      for (let round = 0; round < 20; round++) execFile('true', tell);
      parentPort.postMessage('started');
      // Longer than an unknown zombie is left alone.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);`;
    const worker = new Worker(source, { eval: true });
    const told = (word: string) =>
      new Promise<void>((resolve) => worker.on('message', (said) => said === word && resolve()));
    const over = told('all ended');
    await told('started');
    // Has the reaper look, and find more than them.
    await new Child('orphan-many.py 3').process.ended;
    await over;
    await worker.terminate();
    await eventually(() => assert.deepEqual(zombies(), []));
  });

  it('collects what a worker thread has left behind at its end', async () => {
    becomeSubreaper();
    adoptOrphans();
    const source = `
      const { spawn } = require('node:child_process');
      require('node:worker_threads').parentPort.postMessage(spawn('sleep', ['600']).pid);
      setInterval(() => {}, 1000);`;
    const worker = new Worker(source, { eval: true });
    const [pid] = (await once(worker, 'message')) as [number];
    await worker.terminate();
    process.kill(pid, 'SIGKILL');
    await eventually(() => assert.equal(see(pid), undefined));
  });

  const many = process.env['CIRCUSD_FULL'] === '1' ? 10_000 : 1000;
  it(`collects ${many} orphans without leaving a zombie`, async function () {
    this.timeout(60_000);
    becomeSubreaper();
    adoptOrphans();
    assert.equal((await new Child(`orphan-many.py ${many}`).process.ended).code, 0);
    assert.ok(zombies().length > 0);
    await eventually(() => assert.deepEqual(zombies(), []), { within: 10_000 });
  });

  it('collects an orphan that ends long after it has come to us', async () => {
    becomeSubreaper();
    adoptOrphans();
    const child = new Child('flee-session.sh exit');
    const [pid] = await child.numbers(1);
    await child.process.ended;
    assert.equal(see(pid!)?.parent, process.pid);
    process.kill(pid!, 'SIGKILL');
    await eventually(() => assert.equal(see(pid!), undefined));
    await child.process.finished();
  });
});

async function ending(script: string) {
  const { code, signal } = await new Child(['sh', '-c', script]).process.ended;
  return { code, signal };
}
