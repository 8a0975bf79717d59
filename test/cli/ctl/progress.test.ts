import assert from 'node:assert/strict';
import { run } from '../../../cli/ctl/run.js';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../../plugins/daemon.js';

describe('circusctl reload --waiting on a terminal', () => {
  const start = daemonPerTest();
  const ini = `
[watcher:web]
cmd = sleep 600
numprocesses = 2
ready_after = 0
reload.pause = 0.5
reload.canary = 1
`;

  it('shows how far the reload is, and what it waits for', async () => {
    const daemon = await start(ini);
    await eventually(async () => assert.equal((await daemon.pids('web')).length, 2));
    const said = { out: '', err: '' };
    const output = {
      out: (text: string) => void (said.out += text),
      err: (text: string) => void (said.err += text),
      isTerminal: true,
    };
    const over = run(['--endpoint', daemon.endpoint, 'reload', 'web', '--waiting'], output);
    await eventually(() =>
      assert.match(
        said.err,
        /^0 of 2 replaced; canary: 1 new copy serves; continue with "circusctl reload web --c.*\n$/,
      ),
    );
    await daemon.ctl('reload', 'web', '--continue');
    assert.equal(await over, 0);
    assert.match(said.err, /\n1 of 2 replaced; a pause of 0\.5 s before the next\n/);
    assert.equal(said.out, 'ok\n');
  });

  it('shows nothing of that to programs', async () => {
    const daemon = await start(ini.replace('reload.canary = 1\n', ''));
    await eventually(async () => assert.equal((await daemon.pids('web')).length, 2));
    const { code, stdout, stderr } = await daemon.ctl('reload', 'web', '--waiting');
    assert.deepEqual([code, stdout, stderr], [0, 'ok\n', '']);
  });
});
