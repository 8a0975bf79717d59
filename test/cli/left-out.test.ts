import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { daemonPerTest } from '../plugins/daemon.js';
import type { Circusd } from '../support/circusd.js';

const ini = `[watcher:web]
cmd = sleep 600

[watcher:Broken]
cmd = sleep 600
numprocesses = many

[endpoint:guest]
address = ipc://./guest
role = view
watchers = web
`;

const textOf = ({ folder }: Circusd) => readFileSync(`${folder.path}/circus.ini`, 'utf8');

describe('a watcher that was left out because of an error', () => {
  const start = daemonPerTest();

  it('is named as such, with the place of the error, by all that is asked of it', async () => {
    const daemon = await start(ini);
    const line = 1 + textOf(daemon).split('\n').indexOf('numprocesses = many');
    const said = async (...words: readonly string[]) => (await daemon.ctl(...words)).stderr;
    for (const words of [['explain'], ['start'], ['status'], ['history'], ['incr'], ['set', 'cmd', 'x']]) {
      const [command = '', ...more] = words;
      const expected = new RegExp(
        `^error: program broken not found \\(left out because of an error, \\S*circus.ini:${line}\\)\n$`,
      );
      assert.match(await said(command, 'broken', ...more), expected, command);
    }
    assert.equal(await said('start', 'nobody'), 'error: program nobody not found\n');
  });

  it('is not told of where an endpoint is for others', async () => {
    const daemon = await start(ini);
    const { stderr } = await daemon.ctl('--endpoint', `ipc://${daemon.folder.path}/guest`, 'status', 'broken');
    assert.equal(stderr, 'error: program broken not found\n');
  });

  it('is like any other once it is right, and unknown once it is gone', async () => {
    const daemon = await start(ini);
    const text = textOf(daemon);
    daemon.folder.write('circus.ini', text.replace('many', '1'));
    await daemon.ctl('reloadconfig', '--waiting');
    assert.equal((await daemon.ctl('status', 'broken')).code, 0);
    daemon.folder.write('circus.ini', text.replace(/\[watcher:Broken\][^[]*/, ''));
    await daemon.ctl('reloadconfig', '--waiting');
    assert.equal((await daemon.ctl('status', 'broken')).stderr, 'error: program broken not found\n');
  });
});
