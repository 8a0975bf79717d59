import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Circusd, CircusdOptions } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect, listen } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { cmdOf, isGood, keysIn, rollback, set, specsOf, web, type Facts } from './specs.js';

describe('rollback', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();
  closeClients();
  const again = (text: string, options: CircusdOptions = {}): Promise<Circusd> =>
    start(text, { folder: { path: temporary.path, write: temporary.write, remove: () => undefined }, ...options });
  it('goes back to the last good spec, one process after the other, and tells what that changed', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    await isGood(client);
    const listener = await listen(daemon, 'web');
    await set(client, { cmd: "sh -c 'exec sleep 600' two", max_retry: 9, numprocesses: 3 });
    await isGood(client);
    const before = await client.pids('web');
    const dry = await rollback(client, { dry_run: true });
    assert.equal(await cmdOf(client), 'two');
    const reply = await rollback(client);
    assert.deepEqual(keysIn(reply), [
      { key: 'cmd', before: "sh -c 'exec sleep 600' two", after: "sh -c 'exec sleep 600' one" },
      { key: 'max_retry', before: 9, after: 5 },
    ]);
    assert.deepEqual(keysIn(dry, 'would_roll_back'), keysIn(reply));
    assert.equal(await cmdOf(client), 'one');
    const after = await client.pids('web');
    assert.equal(after.length, 3);
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      [],
    );
    const { payload } = await listener.next('watcher.web.rolled_back');
    assert.deepEqual([payload['by'], payload['keys']], ['operator (uid of the daemon or root)', ['cmd', 'max_retry']]);
    assert.match(
      String((await client.ask('explain', { name: 'web' }))['text']),
      /It was rolled back by operator .*: cmd, max_retry\./,
    );
    // The present one is the file's again; the number of processes is not.
    assert.match((await daemon.ctl('plan')).stdout, /^watcher web was changed at run time\n {4}numprocesses: 2 -> 3$/m);
  });

  it('prints what it did, lists what there is, and goes further back by number', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    await isGood(client);
    for (const version of ['two', 'three', 'four']) {
      await set(client, { cmd: `sh -c 'exec sleep 600' ${version}` });
      await isGood(client);
    }
    const { specs } = await specsOf(client);
    assert.deepEqual(
      specs.map(({ number, keys }) => [number, (keys as Facts[])[0]!['after']]),
      [
        [1, "sh -c 'exec sleep 600' three"],
        [2, "sh -c 'exec sleep 600' two"],
      ],
    );
    const { at, by } = specs[0]!['replaced'] as { at: number; by: string };
    assert.ok(Number(specs[0]!['good']) < at && at <= Date.now() / 1000);
    assert.match(by, /^operator \(job \d+\)$/);
    const list = (await daemon.ctl('rollback', 'web', '--list')).stdout;
    assert.match(
      list,
      /^web: its present spec is good\n {2}1: good since \S+Z, replaced at \S+Z by operator \(job \d+\)\n {4}cmd: .*four.* -> .*three/,
    );
    const { stdout } = await daemon.ctl('rollback', 'web', '--to', '2');
    assert.match(
      stdout,
      /^web has again the spec that was good since \S+Z, replaced at .*\n {4}cmd: .*four.* -> .*two/,
    );
    assert.equal(await cmdOf(client), 'two');
    assert.match(String((await rollback(client, { to: 3 }))['reason']), /"web" has 1 other good specs, and no 3/);
    assert.match((await daemon.ctl('rollback', 'wbe')).stderr, /did you mean "web"/);
  });

  it('gives back what is known to be good at once', async () => {
    const daemon = await again(web('one').replace('stable_after = 0.2', 'stable_after = 2'));
    const client = connect(daemon);
    await isGood(client);
    await set(client, { max_retry: 9 });
    assert.equal((await specsOf(client)).present, 'new');
    await rollback(client);
    const { present, specs } = await specsOf(client);
    assert.deepEqual([present, specs], ['good', []]);
    assert.match(String((await rollback(client))['reason']), /nothing to roll back: "web" has its last good spec/);
  });

  it('knows who changed what needed no reload', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    await isGood(client);
    await set(client, { max_retry: 9 });
    const [spec] = (await specsOf(client)).specs;
    assert.match((spec!['replaced'] as { by: string }).by, /^operator \(job \d+\)$/);
  });

  it('has nothing to do after a reload that failed, for the good spec is in place', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    assert.match(
      String((await rollback(client))['reason']),
      /nothing to roll back: no spec of "web" has been good yet/,
    );
    await isGood(client);
    assert.match(String((await rollback(client))['reason']), /nothing to roll back: "web" has its last good spec/);
    await set(client, { cmd: "sh -c 'exec sleep 600' two" });
    await isGood(client);
    const failed = await client.ask('set', { name: 'web', options: { cmd: "sh -c 'exit 3'" }, waiting: true });
    assert.equal(failed['status'], 'error');
    assert.match(
      String((await rollback(client))['reason']),
      /nothing to roll back: the last change of "web" came to nothing, and its good spec is in place: .*exited with code 3/,
    );
    assert.equal(await cmdOf(client), 'two');
    assert.equal((await rollback(client, { to: 1 }))['status'], 'ok');
    assert.equal(await cmdOf(client), 'one');
  });

  it('is refused at once while a canary waits, and names what goes back', async () => {
    const daemon = await again(web('one', 'reload.canary = True\n'));
    const client = connect(daemon);
    await isGood(client);
    await set(client, { max_retry: 9 });
    await isGood(client);
    const changing = connect(daemon).ask('set', {
      name: 'web',
      options: { cmd: "sh -c 'exec sleep 600' two" },
      waiting: true,
    });
    await eventually(async () =>
      assert.match(String((await client.ask('explain', { name: 'web' }))['text']), /canary/),
    );
    const refusal = /^"web" is being reloaded: "circusctl reload web --abort" goes back to what it had$/;
    assert.match(String((await rollback(client))['reason']), refusal);
    assert.match(String((await rollback(client, { dry_run: true }))['reason']), refusal);
    await client.ask('reload', { name: 'web', abort: true, waiting: true });
    assert.equal((await changing)['status'], 'error');
    assert.equal(await cmdOf(client), 'one');
  });

  it('that fails changes nothing, and can be tried again', async () => {
    const script = temporary.write('one.sh', 'exec sleep 600\n');
    const daemon = await again(web('one').replace(/^cmd = .*$/m, `cmd = sh ${script}`));
    const client = connect(daemon);
    await isGood(client);
    await set(client, { cmd: "sh -c 'exec sleep 600' two" });
    await isGood(client);
    const before = await client.pids('web');
    rmSync(script);
    assert.match(String((await rollback(client))['reason']), /did not become ready: it exited with code/);
    assert.deepEqual([await cmdOf(client), await client.pids('web')], ['two', before]);
    assert.equal((await client.ask('explain', { name: 'web' }))['rolled_back'], undefined);
    temporary.write('one.sh', 'exec sleep 600\n');
    assert.equal((await rollback(client))['status'], 'ok');
    assert.equal(await cmdOf(client), script);
  });

  it('without a name takes back what is not known to be good, also where it keeps dying, and nothing else', async () => {
    const daemon = await again(`${web('one')}\n[watcher:calm]\ncmd = sleep 600\ncopy_env = True\n`);
    const client = connect(daemon);
    await isGood(client);
    await isGood(client, 'calm');
    assert.match((await daemon.ctl('rollback')).stdout, /^nothing to roll back/);
    const [calm] = await client.pids('calm');
    // Each lives long enough to be taken for ready, and no longer.
    await set(client, { cmd: "sh -c 'sleep 0.15; exit 3'" });
    await eventually(async () => assert.ok((await client.ends('web')).filter(({ code }) => code === 3).length > 3));
    assert.match(
      String((await client.ask('explain', { name: 'web' }))['text']),
      /Its spec is not known to be good yet; "circusctl rollback web"/,
    );
    const { stdout, stderr } = await daemon.ctl('rollback');
    assert.match(stdout, /^web has again/, stderr);
    await isGood(client);
    assert.equal((await client.pids('web')).length, 2);
    assert.deepEqual(await client.pids('calm'), [calm]);
  });

  it('changes the spec of what is down, and does not start it', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    await isGood(client);
    await client.ask('disable', { name: 'web', waiting: true });
    await set(client, { cmd: "sh -c 'exec sleep 600' two" });
    await rollback(client);
    assert.equal(await cmdOf(client), 'one');
    assert.deepEqual(await client.pids('web'), []);
    assert.equal((await client.ask('status', { name: 'web' }))['state'], 'disabled');
  });

  it('is not undone in silence: plan, reloadconfig and the log say what comes back from the file', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    const file = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(file, 'utf8');
    await isGood(client);
    writeFileSync(file, text.replace('one', 'two').replace('numprocesses = 2', 'numprocesses = 2\nmax_retry = 8'));
    assert.equal((await daemon.ctl('reloadconfig', '--waiting')).stdout, 'ok\n');
    assert.equal(await cmdOf(client), 'two');
    await rollback(client);
    assert.equal(await cmdOf(client), 'one');
    const { stdout: plan } = await daemon.ctl('plan');
    assert.match(
      plan,
      /^watcher web was changed: processes are replaced one by one\n {4}it brings back what was rolled back by operator \(.*\) at \S+Z\n {4}cmd: .*one.* -> .*two/,
    );
    assert.match(plan, /^watcher web was changed at run time\n {4}cmd: .*two.* -> .*one/m);
    const { stdout } = await daemon.ctl('reloadconfig', '--waiting');
    assert.match(stdout, /^ok\nwatcher web has again what was rolled back by operator \(.*\) at \S+Z\n$/);
    assert.equal(await cmdOf(client), 'two');
    await eventually(() =>
      assert.match(daemon.log, /web has again what was rolled back by operator \(.*\) at \S+Z: cmd, max_retry/),
    );
    assert.equal((await daemon.ctl('plan')).stdout, 'nothing to do\n');
    assert.equal(await daemon.stop(), 0);
  });

  it('and a corrected file are one whole: nothing of what was rolled back stays', async () => {
    const daemon = await again(web('one'));
    const client = connect(daemon);
    const file = join(daemon.folder.path, 'circus.ini');
    const text = readFileSync(file, 'utf8');
    await isGood(client);
    const second = text.replace('one', 'two').replace('numprocesses = 2', 'numprocesses = 2\nmax_retry = 8');
    writeFileSync(file, second);
    await daemon.ctl('reloadconfig', '--waiting');
    await rollback(client);
    writeFileSync(file, second.replace('two', 'three'));
    const { stdout: plan } = await daemon.ctl('plan');
    assert.match(plan, /^watcher web was changed: .*\n {4}cmd: .*one.* -> .*three/);
    await daemon.ctl('reloadconfig', '--waiting');
    const { options } = await client.ask('get', { name: 'web', keys: ['cmd', 'max_retry'] });
    assert.deepEqual(options, { cmd: "sh -c 'exec sleep 600' three", max_retry: 8 });
  });

  it('knows what was good before the daemon was started again, and says when the file has the bad one still', async () => {
    const first = await again(web('one'));
    await isGood(connect(first));
    assert.equal(await first.stop(), 0);
    const second = await again(web('two'));
    const client = connect(second);
    assert.equal((await rollback(client))['status'], 'ok');
    assert.equal(await cmdOf(client), 'one');
    assert.equal(await second.stop(), 0);
    const third = await again(web('two'));
    assert.match(third.log, /web has again what was rolled back by operator/);
    const { text, rolled_back } = await connect(third).ask('explain', { name: 'web' });
    assert.match(String(text), /It has again what was rolled back by operator .* ago: cmd\./);
    assert.equal((rolled_back as Facts)['returned'], true);
  });
});
