import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Arbiter, Scope, watcherSpec, type Watcher } from '#core';
import { Groups } from '#plugins/cgroup/groups.js';
import { Power } from '#plugins/cgroup/power.js';
import { Subtree } from '#plugins/cgroup/subtree.js';
import { History } from '#plugins/controller/history.js';
import { MemoryKills } from '#plugins/controller/out-of-memory.js';
import { eventually } from '../../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { RecordedTree } from './recorded.js';

/** A recorded tree that processes can write into: to them a plain file is as good as the kernel's. */
class WrittenTree extends RecordedTree {
  override make(path: string): boolean {
    mkdirSync(path, { recursive: true });
    writeFileSync(`${path}/cgroup.procs`, '');
    return super.make(path);
  }
}

describe('a process and its group, on a recorded tree', () => {
  const temporary = temporaryPerTest();
  let arbiter: Arbiter;
  let history: History;
  beforeEach('make an arbiter', () => {
    watchLeftovers();
    arbiter = new Arbiter({});
  });
  afterEach('close it', async () => {
    await arbiter.stop();
    arbiter.close();
    await assertNothingLeft();
  });

  /** Has a watcher of this command started below the top of the tree. */
  function start(tree: RecordedTree, top: string, cmd: string): Watcher {
    tree.files.set('/proc/self/cgroup', '0::/\n').set('/proc/self/mountinfo', `1 1 0:1 / ${top} rw - cgroup2 c rw\n`);
    const subtree = new Subtree({
      files: tree,
      pid: process.pid,
      uid: 0,
      family: () => [],
      busy: () => [],
      warn: assert.fail,
    });
    const optionsFor = () => ({ active: true, memory_max: '104857600' });
    const groups = new Groups({ files: tree, subtree, optionsFor, warn: assert.fail });
    const power = new Power(tree, arbiter.clock, groups);
    history = new History(arbiter, {}, new MemoryKills(tree.read));
    history.counters.add((process) => groups.counterOf(process));
    const hooks = arbiter.hooks.view(new Scope('test'));
    hooks.spawnSpec.tap('cgroup', (spec, watcher, at) => groups.enter(spec, watcher, at));
    hooks.means.tap('cgroup', (_means, { watcher }) => power.means(watcher));
    history.tap(hooks);
    const watcher = arbiter.add(watcherSpec({ name: 'web', cmd, max_retry: 1, close_child_stderr: true }));
    watcher.start();
    return watcher;
  }

  it('is not started where it can not enter: the program never runs', async () => {
    const file = `${temporary.path}/ran`;
    const watcher = start(new RecordedTree('/no/hierarchy', ['memory']), '/no/hierarchy', `touch ${file}`);
    await eventually(() => assert.equal(watcher.state, 'gave-up'));
    assert.match(watcher.reason, /^gave up: .*"sh"/);
    assert.deepEqual(
      history.of('web').map(({ reason }) => reason),
      ['not run'],
    );
    assert.equal(existsSync(file), false);
  });

  it('enters it first, is killed at one stroke, and its end for want of memory has that name', async () => {
    const top = temporary.path;
    const tree = new WrittenTree(top, ['memory']);
    const watcher = start(tree, top, 'sleep 600');
    const group = `${top}/circusd.${process.pid}/watcher.web`;
    const comm = () => readFileSync(`/proc/${watcher.processes[0]?.pid}/comm`, 'utf8').trim();
    await eventually(() => assert.equal(comm(), 'sleep'));
    assert.equal(readFileSync(`${group}/1.1/cgroup.procs`, 'utf8'), '0\n');
    // What the kernel's own killer does, and counts.
    tree.files.set(`${group}/memory.events`, 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n');
    process.kill(watcher.processes[0]!.pid, 'SIGKILL');
    await eventually(() =>
      assert.deepEqual(
        history.of('web').map(({ reason }) => reason),
        ['out of memory'],
      ),
    );
    // The same signal by somebody, with no further count.
    await eventually(() => assert.equal(comm(), 'sleep'));
    process.kill(watcher.processes[0]!.pid, 'SIGKILL');
    await eventually(() => assert.equal(history.of('web').at(-1)?.reason, 'crashed'));
    await eventually(() => assert.equal(comm(), 'sleep'));
    tree.writes.length = 0;
    await watcher.kill(watcher.processes, { signal: 9, grace: 0 });
    assert.deepEqual(tree.writes.slice(0, 1), [`${group}/1.3/cgroup.kill 1`]);
  });
});
