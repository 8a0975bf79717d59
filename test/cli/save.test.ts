import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeClients, connect } from '../plugins/client.js';
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
  closeClients();

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

  it('does not save what would be read back as something else, and says so', async () => {
    const daemon = await start(`${configuration}[watcher:other]\ncmd = sleep 600\n`);
    const circus = connect(daemon);
    const set = (name: string, options: object) => circus.ask('set', { name, options, waiting: true });
    await set('web', { cmd: "sh -c 'exec sleep 600' $(Circus.env.HOME)", max_retry: 7 });
    await set('other', { env: { A: '((circus.env.HOME))', B: 'x $HOME', C: '# fine', D: 'a\n\nb' } });
    const { saved, unsaved } = await circus.ask('save', {});
    const named = (saved as { watcher: string; keys: { key: string }[] }[]).map(({ watcher, keys }) => [
      watcher,
      ...keys.map(({ key }) => key),
    ]);
    assert.deepEqual(named, [['web', 'max_retry']]);
    const filled = 'its value has a variable in it, which would be filled in when the file is read';
    assert.deepEqual(unsaved, [
      { watcher: 'other', key: 'env.KEPT', reason: 'a file of overrides can take nothing away' },
      { watcher: 'other', key: 'env.A', reason: filled },
      { watcher: 'other', key: 'env.B', reason: filled },
      { watcher: 'other', key: 'env.D', reason: 'it cannot be written in INI' },
      { watcher: 'web', key: 'cmd', reason: filled },
    ]);
    const text = readFileSync(join(daemon.folder.path, 'saved.ini'), 'utf8');
    assert.match(text, /\[watcher:other\]\nenv\.C = # fine\n\n\[watcher:web\]\nmax_retry = 7\n$/);
    assert.match((await daemon.ctl('save')).stdout, /^web: cmd is not saved: its value has a variable/m);
  });

  it('needs a file to write to, and says how to name one', async () => {
    const daemon = await start(configuration.replace('overrides = saved.ini', ''));
    await daemon.ctl('incr', 'web', '--waiting');
    const { code, stderr } = await daemon.ctl('save');
    assert.equal(code, 3);
    assert.match(stderr, /write "overrides = FILE" into \[circus\]/);
  });
});
