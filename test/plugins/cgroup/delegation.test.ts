import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../support/eventually.js';
import { program } from '../../support/paths.js';
import { temporaryRoot } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';
import { explained, fixture, pidsOf, runs } from './daemons.js';
import { below, held, hierarchyForAll, inGroup } from './hierarchy.js';

describe('control groups under delegation', function () {
  this.timeout(30_000);
  const hierarchy = hierarchyForAll();
  const start = daemonPerTest();

  it('take the own group of the daemon, which moves into a leaf of it and back', async () => {
    const unit = hierarchy().make('unit');
    const daemon = await start('[watcher:web]\ncmd = sleep 600\ncgroup.active = True\n', {
      through: hierarchy().through('unit'),
    });
    const pids = await pidsOf(daemon, 'web');
    await eventually(() => assert.deepEqual(inGroup(join(unit, 'watcher.web')), pids));
    assert.equal(held(unit, 'cgroup.procs'), '');
    assert.deepEqual(inGroup(join(unit, 'supervisor')), [daemon.pid]);
    assert.match((await explained(daemon, 'web')).cgroup!.path, /\/unit\/watcher\.web$/);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(below(unit), []);
  });

  it('begin in the leaf where systemd starts the daemon there', async () => {
    const unit = hierarchy().make('unit-2');
    hierarchy().make('unit-2/supervisor');
    const daemon = await start('[watcher:web]\ncmd = sleep 600\ncgroup.active = True\n', {
      through: hierarchy().through('unit-2/supervisor'),
    });
    const pids = await pidsOf(daemon, 'web');
    await eventually(() => assert.deepEqual(inGroup(join(unit, 'watcher.web')), pids));
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(below(unit), []);
  });

  it('are for any user who was given one, and end what escapes', async function () {
    const id = Number(/^nobody:[^:]*:(\d+)/m.exec(readFileSync('/etc/passwd', 'utf8'))![1]);
    const user = ['setpriv', '--reuid', String(id), '--regid', String(id), '--clear-groups'];
    try {
      execFileSync(user[0]!, [...user.slice(1), process.execPath, program('circusd'), '--version'], {
        stdio: 'ignore',
      });
    } catch {
      console.log('      "nobody" may not read this checkout, so he has no daemon here');
      return this.skip();
    }
    const handOver = ({ path }: { readonly path: string }) => {
      chmodSync(temporaryRoot, 0o711);
      chownSync(path, id, id);
    };
    const shared = hierarchy().make('shared');
    const refused = await start('[watcher:web]\ncmd = sleep 600\ncgroup.active = True\n', {
      through: hierarchy().through('shared', ...user),
      prepare: handOver,
    });
    // Nothing there is his: he gets no groups, and his watchers run.
    assert.match(
      refused.log,
      /circus\.ini:\d+:1: the control group of circusd, \/.*\/shared, is not its own.*; plugin \\"cgroup\\" is left out/,
    );
    await eventually(() => assert.equal(inGroup(shared).length, 2));
    assert.equal(await refused.stop(), 0);
    const unit = hierarchy().make('unit-3');
    for (const name of ['.', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
      chownSync(join(unit, name), id, id);
    const watcher = `[watcher:web]\ncmd = ${fixture('vanish.py')}\ngraceful_timeout = 0.3\ncgroup.active = True\n`;
    const daemon = await start(watcher, {
      through: hierarchy().through('unit-3', ...user),
      prepare: handOver,
    });
    await eventually(() => assert.match(daemon.log, /vanished \d+/));
    const vanished = Number(/vanished (\d+)/.exec(daemon.log)![1]);
    assert.equal(inGroup(join(unit, 'watcher.web')).length, 2);
    assert.deepEqual(inGroup(join(unit, 'supervisor')), [daemon.pid]);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual([runs(vanished), below(unit)], [false, []]);
  });
});
