/** circusd as the first process of a container: a namespace of pids, where all orphans come to it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { circusdPerTest } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture } from '../support/paths.js';
import { descendantsOf } from '../support/proc.js';

const inNamespace = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];
const many = process.env['CIRCUSD_FULL'] === '1' ? 10_000 : 1000;

describe('circusd as process 1', function () {
  this.timeout(60_000);
  const start = circusdPerTest();
  before('be allowed to make namespaces', () => {
    const { status, stderr } = spawnSync(inNamespace[0]!, [...inNamespace.slice(1), 'true'], { encoding: 'utf8' });
    assert.equal(status, 0, `unshare (util-linux) makes no namespace of pids here, which takes root: ${stderr}`);
  });

  it(`collects ${many} orphans, lives on, and leaves nothing when it ends`, async () => {
    const ini = `
[watcher:orphans]
cmd = ${fixture('orphan-many.py')} ${many}
respawn = False
[watcher:daemonized]
cmd = ${fixture('double-fork.py')} exit
respawn = False
[watcher:web]
cmd = sleep 600
`;
    const daemon = await start(ini, { through: inNamespace });
    const first = await eventually(() => descendantsOf(daemon.pid)[0]);
    const below = () => descendantsOf(first!.pid);
    await eventually(() => assert.match(daemon.log, /daemonized/));
    const state = async (name: string) => ((await daemon.json('status', name)) as { readonly status: string }).status;
    // Both programs end at once; what they leave is adopted.
    await eventually(
      async () => assert.deepEqual([await state('orphans'), await state('daemonized')], Array(2).fill('stopped')),
      {
        within: 30_000,
        every: 100,
      },
    );
    await eventually(
      () =>
        assert.deepEqual(
          below().filter(({ zombie }) => zombie),
          [],
        ),
      { within: 20_000, every: 50 },
    );
    const names = () =>
      below()
        .map(({ name }) => name)
        .sort();
    assert.deepEqual(names(), ['double-fork.py', 'sleep']);
    assert.match((await daemon.ctl('explain', 'daemonized')).stdout, /\(subreaper\)/);

    // The death of one of whom nothing is known is no reason to end.
    process.kill(below().find(({ name }) => name === 'double-fork.py')!.pid, 'SIGKILL');
    await eventually(() => assert.deepEqual(names(), ['sleep']));
    assert.equal(await state('web'), 'active');
    assert.equal((await daemon.ctl('quit', '--waiting')).code, 0);
    assert.equal(await daemon.exited, 0);
    await daemon.stop();
  });
});
