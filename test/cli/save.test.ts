import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { circusdPerTest } from '../support/circusd.js';

const configuration = `
[circus]
overrides = saved.ini

[env]
KEPT = yes

[watcher:web]
cmd = sleep 600
copy_env = True
numprocesses = 1
`;

describe('circusctl save', () => {
  const start = circusdPerTest();

  it('writes what was changed at run time where it wins over the files, and changes nothing that runs', async () => {
    const daemon = await start(configuration);
    await daemon.ctl('incr', 'web', '2', '--waiting');
    await daemon.ctl('set', 'web', 'stop_signal', 'INT', '--waiting');
    assert.match((await daemon.ctl('plan')).stdout, /web was changed at run time/);
    const { stdout, code } = await daemon.ctl('save');
    assert.deepEqual([code, stdout.startsWith('web: written to ')], [0, true]);
    const saved = join(daemon.folder.path, 'saved.ini');
    assert.match(readFileSync(saved, 'utf8'), /^\[watcher:web\]\nnumprocesses = 3\nstop_signal = 2$/m);
    const before = (await daemon.ctl('list', 'web')).stdout;
    assert.equal((await daemon.ctl('plan')).stdout, 'nothing to do\n');
    assert.equal((await daemon.ctl('reloadconfig', '--waiting')).code, 0);
    assert.equal((await daemon.ctl('list', 'web')).stdout, before);
  });

  it('needs a file to write to, and says how to name one', async () => {
    const daemon = await start(configuration.replace('overrides = saved.ini', ''));
    await daemon.ctl('incr', 'web', '--waiting');
    const { code, stderr } = await daemon.ctl('save');
    assert.equal(code, 3);
    assert.match(stderr, /write "overrides = FILE" into \[circus\]/);
  });
});
