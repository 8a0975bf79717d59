import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { close, pipe } from '../../../core/posix/descriptor.js';
import { openPid } from '../../../core/posix/process.js';
import { waiter } from '../../../core/posix/wait.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { builtKernel } from '../built.js';
import { fixture } from '../../support/paths.js';

const run = promisify(execFile);

describe('the waiter', () => {
  beforeEach(() => void watchLeftovers());
  afterEach(() => assertNothingLeft());

  it('calls back while a descriptor is readable, until it is taken off', async () => {
    const { read, write } = pipe();
    let calls = 0;
    const release = waiter.watch(read, () => {
      if (++calls === 3) release();
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(calls, 0);
    writeSync(write, 'x');
    await eventually(() => assert.equal(calls, 3));
    release();
    close(read);
    close(write);
  });

  it('watches many at once, and tells exactly those that are readable', async () => {
    const pipes = Array.from({ length: 200 }, pipe);
    const told: number[] = [];
    const releases = pipes.map(({ read }, at) => {
      const release = waiter.watch(read, () => {
        told.push(at);
        release();
      });
      return release;
    });
    for (const [at, { write }] of pipes.entries()) if (at % 2) writeSync(write, 'x');
    await eventually(() => assert.equal(told.length, 100));
    assert.ok(told.every((at) => at % 2));
    for (const release of releases) release();
    for (const { read, write } of pipes) [read, write].forEach(close);
  });

  it('holds no descriptor while nothing is watched, and begins again', async () => {
    for (let round = 0; round < 3; round++) {
      const { read, write } = pipe();
      const readable = new Promise<void>((resolve) => {
        const release = waiter.watch(read, () => {
          release();
          resolve();
        });
      });
      writeSync(write, 'x');
      await readable;
      close(read);
      close(write);
      if (round < 2) await new Promise((resolve) => setTimeout(resolve, round * 5));
    }
    await eventually(() => assert.ok(!process.listeners('exit').some(({ name }) => name === 'atExit')));
  });

  it('can be given another to watch by the very call that takes the last one off', async () => {
    const first = pipe();
    const second = pipe();
    writeSync(first.write, 'x');
    writeSync(second.write, 'x');
    await new Promise<void>((resolve) => {
      const release = waiter.watch(first.read, () => {
        release();
        const releaseSecond = waiter.watch(second.read, () => {
          releaseSecond();
          resolve();
        });
      });
    });
    for (const { read, write } of [first, second]) [read, write].forEach(close);
  });

  it('tells the end of a process by its pidfd', async () => {
    const child = spawn('sleep', ['600']);
    const exited = once(child, 'exit');
    const fd = openPid(child.pid!);
    const ended = new Promise<void>((resolve) => {
      const release = waiter.watch(fd, () => {
        release();
        close(fd);
        resolve();
      });
    });
    child.kill('SIGKILL');
    await ended;
    await exited;
  });

  it('refuses what is no descriptor', async () => {
    assert.throws(() => waiter.watch(-1, () => undefined), { code: 'ERR_SYSTEM_CALL' });
    assert.throws(() => openPid(2 ** 30), { code: 'ERR_SYSTEM_CALL' });
  });

  it('takes one thread for any number, so that files are read meanwhile, and does not hold up the exit', async () => {
    const children = Array.from({ length: 20 }, () => spawn('sleep', ['600']));
    const args = [fixture('wait-and-exit.mjs'), builtKernel, ...children.map(({ pid }) => String(pid))];
    const env = { ...process.env, UV_THREADPOOL_SIZE: '4' };
    const begun = performance.now();
    const failure = await run(process.execPath, args, { env }).catch((error: unknown) => error);
    const { code, stdout } = failure as { code: number; stdout: string };
    assert.equal(code, 7);
    assert.ok(performance.now() - begun < 3000);
    const { ended, took } = JSON.parse(stdout) as { ended: number; took: number };
    assert.equal(ended, 0);
    assert.ok(took < 1000, `100 reads took ${took} ms`);
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
});
