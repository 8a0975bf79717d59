import assert from 'node:assert/strict';
import { Subtree, groupName } from '#plugins/cgroup/subtree.js';
import { RecordedTree } from './recorded.js';

const top = '/cg';
const daemon = process.pid;
/** Above the highest pid that Linux gives. */
const nobody = 4_194_305;

/** A recorded tree in which the daemon is in this group, with what else is in there. */
function treeWith(own: string, ...others: readonly number[]): RecordedTree {
  const tree = new RecordedTree(top, ['cpu', 'memory', 'pids']);
  let path = top;
  for (const name of own.split('/').filter(Boolean)) tree.make((path += `/${name}`));
  tree.people(path, daemon, ...others);
  tree.files.set('/proc/self/cgroup', `12:memory:/old\n0::${own}\n`);
  tree.files.set(
    '/proc/self/mountinfo',
    `24 1 8:1 / / rw - ext4 disk rw\n30 24 0:27 / ${top} rw,nosuid - cgroup2 cgroup2 rw\n`,
  );
  return tree;
}

const open = (
  files: RecordedTree,
  {
    uid = 0,
    family = [] as readonly number[],
    named = undefined as string | undefined,
    warn = (message: string): void => assert.fail(message),
  } = {},
) => new Subtree({ files, pid: daemon, uid, family: () => family, busy: () => [], warn }, named);

describe('the place of the control groups', () => {
  it('is a group at the top for root, where the daemon is there itself', () => {
    const tree = treeWith('/', 1, 2);
    const subtree = open(tree);
    assert.equal(subtree.path, `${top}/circusd.${daemon}`);
    subtree.close();
    assert.deepEqual(tree.folders(top), []);
  });

  it('is the own group of a daemon that is alone there, as under delegation', () => {
    const tree = treeWith('/system.slice/circusd.service', 71);
    for (const group of [top, `${top}/system.slice`]) tree.write(`${group}/cgroup.subtree_control`, '+memory');
    tree.writes.length = 0;
    const subtree = open(tree, { uid: 1000, family: [71] });
    const unit = `${top}/system.slice/circusd.service`;
    assert.equal(subtree.path, unit);
    assert.deepEqual(tree.writes, [`${unit}/supervisor/cgroup.procs ${daemon}`, `${unit}/supervisor/cgroup.procs 71`]);
    assert.equal(subtree.enable('memory'), undefined);
    assert.equal(tree.read(`${unit}/cgroup.subtree_control`), 'memory');
  });

  it('is given back at the end: no controller, no leaf', () => {
    const tree = treeWith('/unit');
    tree.write(`${top}/cgroup.subtree_control`, '+memory +pids');
    const subtree = open(tree, { uid: 1000 });
    for (const name of ['memory', 'pids']) assert.equal(subtree.enable(name), undefined);
    subtree.close();
    assert.deepEqual(tree.folders(`${top}/unit`), []);
    assert.deepEqual(
      [tree.read(`${top}/unit/cgroup.subtree_control`), tree.read(`${top}/unit/cgroup.procs`)],
      ['', `${daemon}\n`],
    );
  });

  it('is kept where something still runs in it, and found again', () => {
    const tree = treeWith('/unit');
    const first = open(tree, { uid: 1000 });
    tree.make(first.groupOf('web'));
    tree.people(first.groupOf('web'), 99);
    first.close();
    tree.files.set('/proc/self/cgroup', '0::/unit/supervisor\n');
    const told: string[] = [];
    const second = open(tree, { uid: 1000, family: [99], warn: (message) => told.push(message) });
    assert.deepEqual(told, ['1 process runs in the control group /cg/unit/watcher.web, which was left behind']);
    assert.equal(second.path, `${top}/unit`);
    tree.people(first.groupOf('web'));
    second.close();
    assert.deepEqual(tree.folders(`${top}/unit`), []);
  });

  it('is not a group in which others run: root gets one at the top, another user none', () => {
    const tree = treeWith('/session', 4711);
    assert.equal(open(tree).path, `${top}/circusd.${daemon}`);
    assert.deepEqual(tree.folders(`${top}/session`), []);
    const again = treeWith('/session', 4711);
    assert.throws(
      () => open(again, { uid: 1000 }),
      /control group of circusd, \/cg\/session, is not its own: .*Delegate=yes/,
    );
    assert.deepEqual([again.writes, again.folders(top)], [[], ['session']]);
  });

  it('is not a group that may not be written to', () => {
    const tree = treeWith('/session');
    tree.locked.add(`${top}/session/cgroup.subtree_control`);
    assert.throws(() => open(tree, { uid: 1000 }), /is not its own/);
  });

  it('is what "root" names, and the daemon leaves it when it is alone there', () => {
    const tree = treeWith('/mine');
    tree.make(`${top}/given`);
    assert.equal(open(tree, { named: `${top}/given/` }).path, `${top}/given`);
    assert.deepEqual(tree.writes, []);
    open(tree, { named: `${top}/mine` });
    assert.deepEqual(tree.writes, [`${top}/mine/supervisor/cgroup.procs ${daemon}`]);
  });

  it('passes no controller on from a group where others run, and says why', () => {
    const tree = treeWith('/mine', 4711);
    tree.write(`${top}/cgroup.subtree_control`, '+pids');
    const subtree = open(tree, { named: `${top}/mine` });
    assert.equal(subtree.enable('pids'), `it can't be passed on by ${top}/mine: processes run in it`);
    assert.equal(subtree.enable('memory'), `the kernel does not offer it in ${top}/mine`);
  });

  it('is found in a mount of a part of the hierarchy, whose path has blanks', () => {
    const tree = treeWith('/unit');
    tree.files.set('/proc/self/cgroup', '0::/docker/abc/unit\n');
    tree.files.set(
      '/proc/self/mountinfo',
      '9 1 0:27 /other /x rw - cgroup2 c rw\n30 24 0:27 /docker/abc /cg rw - cgroup2 c rw\n',
    );
    assert.equal(open(tree, { uid: 1000 }).path, `${top}/unit`);
    tree.files.set('/proc/self/mountinfo', String.raw`30 24 0:27 / /c\040g rw - cgroup2 c rw`);
    assert.throws(() => open(tree, { uid: 1000 }), /\/c g\/docker\/abc\/unit/);
  });

  it('is nowhere without cgroup v2', () => {
    const tree = treeWith('/');
    tree.files.set('/proc/self/mountinfo', '30 24 0:27 / /cg rw - cgroup cgroup rw,memory\n');
    assert.throws(() => open(tree), /this machine has no cgroup v2 mounted/);
  });

  it('is rid of what daemons have left that are gone, but not of what still runs or is of others', () => {
    const tree = treeWith('/');
    for (const name of [`circusd.${nobody}`, `circusd.${nobody + 1}`, 'circusd.1', 'circusd.x', 'docker']) {
      tree.make(`${top}/${name}`);
      tree.make(`${top}/${name}/watcher.web`);
    }
    tree.people(`${top}/circusd.${nobody + 1}/watcher.web`, 99);
    open(tree, { warn: () => undefined });
    const left = [`circusd.${nobody + 1}`, 'circusd.1', 'circusd.x', 'docker', `circusd.${daemon}`];
    assert.deepEqual(tree.folders(top), left);
  });
});

describe('what a daemon that is gone has left', () => {
  const freeze = (tree: RecordedTree, group: string, ...pids: readonly number[]) => {
    if (group.includes('/watcher.')) tree.make(group.slice(0, group.lastIndexOf('/')));
    tree.make(group);
    tree.people(group, ...pids);
    tree.write(`${group}/cgroup.freeze`, '1');
  };
  const thawed = '; it was frozen, and is thawed';

  it('is thawed and told, at the top', () => {
    const tree = treeWith('/');
    const left = `${top}/circusd.${nobody}`;
    tree.make(left);
    freeze(tree, `${left}/watcher.web/1.1`, 98, 99);
    freeze(tree, `${left}/watcher.idle/1.1`);
    freeze(tree, `${left}/other`, 97);
    tree.writes.length = 0;
    const told: string[] = [];
    open(tree, { warn: (message) => told.push(message) });
    assert.deepEqual(told, [
      `2 processes run in the control group ${left}/watcher.web, which was left behind${thawed}`,
    ]);
    assert.deepEqual(tree.writes, [
      `${left}/watcher.web/1.1/cgroup.freeze 0`,
      `${left}/watcher.idle/1.1/cgroup.freeze 0`,
    ]);
    assert.deepEqual(tree.folders(left), ['watcher.web', 'other']);
  });

  it('is thawed and told below "root", but for watchers that run', () => {
    const tree = treeWith('/');
    tree.make(`${top}/given`);
    for (const [name, pid] of [
      ['web', 98],
      ['busy', 99],
    ] as const)
      freeze(tree, `${top}/given/watcher.${name}/1.1`, pid);
    const told: string[] = [];
    const warn = (message: string) => told.push(message);
    const around = { files: tree, pid: daemon, uid: 0, family: () => [], busy: () => ['busy'], warn };
    assert.equal(new Subtree(around, `${top}/given`).path, `${top}/given`);
    assert.deepEqual(told, [
      `1 process runs in the control group ${top}/given/watcher.web, which was left behind${thawed}`,
    ]);
    assert.equal(tree.read(`${top}/given/watcher.web/1.1/cgroup.freeze`), '0\n');
    assert.equal(tree.read(`${top}/given/watcher.busy/1.1/cgroup.freeze`), '1\n');
  });

  it('is told where it can not be thawed', () => {
    const tree = treeWith('/');
    tree.make(`${top}/given`);
    freeze(tree, `${top}/given/watcher.web/1.1`, 98);
    const write = tree.write.bind(tree);
    tree.write = (path, text) => {
      if (path.endsWith('cgroup.freeze')) throw new Error('EACCES');
      write(path, text);
    };
    const told: string[] = [];
    open(tree, { named: `${top}/given`, warn: (message) => told.push(message) });
    assert.match(told.join(), /left behind; it is frozen and can't be thawed: EACCES$/);
  });
});

describe('the claim of a place', () => {
  const given = `${top}/given`;
  /** A tree where the parent of this process, which runs, has claimed the place. */
  function claimed(pid: number, began: number, state = 'S', since = 77): RecordedTree {
    const tree = treeWith('/');
    tree.make(given);
    tree.make(`${given}/circusd.${pid}.${began}`);
    tree.files.set(`/proc/${pid}/stat`, `${pid} (a) b) ${state} ${'0 '.repeat(18)}${since} 0\n`);
    tree.files.set(`/proc/${daemon}/stat`, `${daemon} (node) R ${'0 '.repeat(18)}99 0\n`);
    return tree;
  }

  it('keeps other daemons out while its own runs', () => {
    const tree = claimed(process.ppid, 77);
    assert.throws(
      () => open(tree, { named: given }),
      new RegExp(`"/cg/given" holds the control groups of circusd ${process.ppid}: name another folder as "root"`),
    );
    assert.deepEqual(tree.folders(given), [`circusd.${process.ppid}.77`]);
  });

  it('is void when its daemon has ended, also where another process has the pid', () => {
    for (const tree of [claimed(process.ppid, 76), claimed(process.ppid, 77, 'Z'), claimed(nobody, 77)]) {
      const subtree = open(tree, { named: given });
      assert.deepEqual(tree.folders(given), [`circusd.${daemon}.99`]);
      // After an execve it is the same daemon.
      assert.equal(open(tree, { named: given }).path, given);
      subtree.close();
      assert.deepEqual(tree.folders(given), []);
    }
  });

  it('holds for the own group of a daemon too', () => {
    const tree = treeWith('/unit');
    tree.make(`${top}/unit/circusd.${process.ppid}.77`);
    assert.throws(() => open(tree, { uid: 1000 }), /"\/cg\/unit" holds the control groups of circusd \d+/);
  });
});

describe('the name of a group', () => {
  it('holds no letter that means something in a path, and is no file of the kernel', () => {
    assert.equal(groupName('web'), 'watcher.web');
    assert.equal(groupName('../a b%é\n'), 'watcher...%2fa%20b%25%c3%a9%0a');
    const long = [groupName('x'.repeat(300)), groupName(`${'x'.repeat(299)}y`)];
    assert.notEqual(long[0], long[1]);
    assert.ok(long.every((name) => name.length <= 255));
  });
});
