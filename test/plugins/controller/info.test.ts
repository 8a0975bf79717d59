import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Watcher } from '#core';
import { humanBytes, InfoReader } from '#plugins/controller/info.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('the INFO object', () => {
  const temporary = temporaryPerTest();

  it('tells bytes as Circus does', () => {
    const told = [0, 1, 1023, 1024, 10_000, 1024 ** 2, 2 * 1024 ** 3, 1024 ** 4, 1.5 * 1024 ** 8].map(humanBytes);
    assert.deepEqual(told, ['0B', '1B', '1023B', '1.00K', '9.77K', '1.00M', '2.00G', '1.00T', '1.50Y']);
  });

  it('is undefined for a process that is not there', () => {
    assert.equal(new InfoReader().read(2 ** 22 + 1), undefined);
  });

  it('tells the CPU since the last look at the same process, and has the direct children', async () => {
    const child = spawn('/bin/sh', ['-c', 'sleep 600 & while :; do :; done']);
    try {
      const reader = new InfoReader();
      const first = reader.read(child.pid!, true)!;
      assert.equal(first.cpu, 0);
      await eventually(() => Number(reader.read(child.pid!)!.cpu) > 5);
      await eventually(() => assert.equal(reader.read(child.pid!, true)!.children[0]?.cmdline, 'sleep'));
      reader.forget(child.pid!);
      assert.equal(reader.read(child.pid!)!.cpu, 0);
      assert.ok(first.age >= 0 && first.age < 60);
    } finally {
      const [sleeper] = new InfoReader().read(child.pid!, true)!.children;
      if (sleeper) process.kill(sleeper.pid, 'SIGKILL');
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });

  it('reads a process again only after a quarter of a second', async () => {
    const reader = new InfoReader();
    const first = reader.read(process.pid);
    assert.notEqual(first, undefined);
    const at = performance.now();
    await eventually(() => reader.read(process.pid) !== first);
    assert.ok(performance.now() - at > 200);
  });

  it('has plugins add to the facts of a process once for all who ask, and to 8 processes at once', async () => {
    const reader = new InfoReader();
    const waiting: (() => void)[] = [];
    let calls = 0;
    let atOnce = 0;
    let most = 0;
    reader.addExtension(async (_watcher, pid, info) => {
      calls++;
      most = Math.max(most, ++atOnce);
      await new Promise<void>((resolve) => waiting.push(resolve));
      atOnce--;
      if (pid === 7) throw new Error('no seven');
      return { ...info, pid };
    });
    const infos = Object.fromEntries(Array.from({ length: 20 }, (_, pid) => [pid, { is: pid }]));
    const ask = () => reader.extended({} as Watcher, infos).catch(String);
    const asked = [ask(), ask(), ask()];
    while (calls < 20 || atOnce > 0) {
      waiting.splice(0).forEach((go) => go());
      await new Promise(setImmediate);
    }
    assert.deepEqual([await Promise.all(asked), most], [Array(3).fill('Error: no seven'), 8]);
    assert.equal(await ask(), 'Error: no seven');
    assert.equal(calls, 20);
    const one = () => reader.extended({} as Watcher, { 3: { is: 3 } });
    assert.deepEqual(await one(), { 3: { is: 3, pid: 3 } });
    await eventually(() => {
      void one();
      waiting.splice(0).forEach((go) => go());
      assert.equal(calls, 21);
    });
    waiting.splice(0).forEach((go) => go());
  });

  it('tells of a zombie what there still is', async () => {
    const parent = spawn('/bin/sh', ['-c', '(exec true) & exec sleep 600']);
    try {
      const child = await eventually(() => {
        const [found] = new InfoReader().read(parent.pid!, true)!.children;
        assert.equal(found?.nice, 'Zombie');
        return found;
      });
      const { mem_info1, mem_info2, mem, cmdline, children } = child;
      assert.deepEqual([mem_info1, mem_info2, mem, cmdline, children], ['0B', '0B', 0, 'N/A', []]);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'close');
    }
  });

  it('survives a name that looks like a part of the table', async () => {
    const program = join(temporary.path, ') R 1 (x');
    symlinkSync('/bin/sleep', program);
    const child = spawn(program, ['600']);
    try {
      await eventually(() => assert.equal(new InfoReader().read(child.pid!)?.cmdline, ') R 1 (x'.split(' ')[0]));
      assert.equal(new InfoReader().read(child.pid!)!.nice, 0);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});
