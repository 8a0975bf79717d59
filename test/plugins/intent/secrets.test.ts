import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Circusd, CircusdOptions } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { isGood, keysIn, rollback, set, specsOf, stateIn, web } from './specs.js';

describe('secrets in specs that were good', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();
  const again = (text: string, options: CircusdOptions = {}): Promise<Circusd> =>
    start(text, { folder: { path: temporary.path, write: temporary.write, remove: () => undefined }, ...options });
  it('writes no secret down, takes it from the present spec, and shows it nowhere', async () => {
    temporary.write('token', 'hunter2hunter2\n', 0o600);
    const daemon = await again(web('one', 'secret.TOKEN = token\nenv.PLAIN = seen\n'));
    const client = connect(daemon);
    await isGood(client);
    await set(client, { max_retry: 9 });
    await isGood(client);
    await eventually(() => assert.match(stateIn(join(temporary.path, 'state')), /"PLAIN":"seen"[^]*"max_retry":9/));
    assert.doesNotMatch(stateIn(join(temporary.path, 'state')), /hunter2/);
    const reply = await rollback(client);
    assert.deepEqual(
      keysIn(reply).map(({ key }) => key),
      ['max_retry'],
    );
    assert.doesNotMatch(JSON.stringify(reply), /hunter2/);
    const [pid] = await client.pids('web');
    assert.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), /\0?TOKEN=hunter2hunter2\0/);
    const file = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(file, 'utf8');
    await isGood(client);
    writeFileSync(file, text.replace('secret.TOKEN = token\n', ''));
    assert.equal((await daemon.ctl('reloadconfig', '--waiting')).code, 0);
    const { code, stderr } = await daemon.ctl('rollback', 'web');
    assert.deepEqual(
      [code, stderr],
      [3, 'error: the secret "TOKEN" is not kept, and "web" has none of this name any more\n'],
    );
  });

  it('does not keep a spec that has a secret in another place', async () => {
    temporary.write('token', 'hunter2hunter2\n', 0o600);
    const daemon = await again(web('hunter2hunter2', 'secret.TOKEN = token\n'));
    const client = connect(daemon);
    await eventually(async () => assert.equal((await specsOf(client)).present, 'unfit'));
    assert.match(daemon.log, /web: its spec can't be kept for a rollback/);
    assert.equal(await daemon.stop(), 0);
    assert.doesNotMatch(stateIn(join(temporary.path, 'state')), /hunter2/);
  });

  it('are not those of the daemon’s environment, of which nothing is written down', async () => {
    const text = web('one', 'env.DAEMONS = $(circus.env.DAEMONS)\n');
    const daemon = await again(text, { env: { DAEMONS: 'hunter3hunter3' } });
    const client = connect(daemon);
    await isGood(client);
    await set(client, { max_retry: 9 });
    await isGood(client);
    await rollback(client);
    const [pid] = await client.pids('web');
    assert.match(readFileSync(`/proc/${pid}/environ`, 'latin1'), /DAEMONS=hunter3hunter3/);
    assert.equal(await daemon.stop(), 0);
    assert.match(stateIn(join(temporary.path, 'state')), /"max_retry":5/);
    assert.doesNotMatch(stateIn(join(temporary.path, 'state')), /hunter3/);
    // After a start with another environment, that is no other version.
    const second = await again(text, { env: { DAEMONS: 'another' } });
    const later = connect(second);
    // What was rolled back, max_retry = 9, was forgotten.
    assert.deepEqual((await specsOf(later)).specs, []);
  });
});
