/** Where a daemon is reached that was told nothing, and one that was told not to be reached. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, daemonPerTest } from './program.js';

describe('the endpoint of circusd', () => {
  const folder = temporaryPerTest();
  const place = () => ({ cwd: folder.path });
  const start = daemonPerTest();
  const permissions = (path: string) => statSync(path).mode & 0o777;

  it('is by default a Unix socket of its user alone, in the runtime directory', async () => {
    folder.write('a.ini', '[circus]\numask = 000\n[watcher:a]\ncmd = sleep 100\n');
    const daemon = await start(place(), ['a.ini']);
    const run = `${folder.path}/run`;
    assert.equal(permissions(run), 0o700);
    assert.deepEqual(readdirSync(run).sort(), ['control.sock', 'events.sock']);
    for (const name of readdirSync(run)) {
      assert.ok(statSync(`${run}/${name}`).isSocket());
      assert.equal(permissions(`${run}/${name}`), 0o600);
    }
    assert.match(daemon.output, new RegExp(`taking commands on ipc://${run}/control\\.sock`));
    assert.deepEqual((await circusctl(place(), 'status')).stdout, 'a: active\n');
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(readdirSync(run), []);
  });

  it('is nowhere when it is empty: no controller, and ZeroMQ is not loaded', async () => {
    const maps = (pid: number) => readFileSync(`/proc/${pid}/maps`, 'utf8');
    folder.write('a.ini', '[circus]\nendpoint =\n[watcher:a]\ncmd = sleep 100\n');
    const without = await start(place(), ['a.ini'], 'a started');
    assert.ok(!maps(without.pid).includes('zeromq'));
    assert.ok(!existsSync(`${folder.path}/run`));
    assert.equal(await without.stop(), 0);
    assert.doesNotMatch(without.output, /taking commands/);

    folder.write('b.ini', '[watcher:a]\ncmd = sleep 100\n');
    const withIt = await start(place(), ['b.ini'], 'a started');
    assert.ok(maps(withIt.pid).includes('zeromq'));
    assert.equal(await withIt.stop(), 0);
  });

  it('is what the configuration says', async () => {
    folder.write(
      'a.ini',
      '[circus]\nendpoint = ipc://c.sock\npubsub_endpoint = ipc://e.sock\n[watcher:a]\ncmd = sleep 100\n',
    );
    const daemon = await start(place(), ['a.ini']);
    assert.equal(permissions(`${folder.path}/c.sock`), 0o600);
    const { code, stdout } = await circusctl(place(), '--endpoint', 'ipc://c.sock', 'list');
    assert.deepEqual([code, stdout], [0, 'a\n']);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(readdirSync(folder.path), ['a.ini']);
  });

  it('tells where it was bound when the port was left open', async () => {
    folder.write('a.ini', '[circus]\nendpoint = tcp://127.0.0.1:*\npubsub_endpoint = tcp://127.0.0.1:*\n');
    const daemon = await start(place(), ['a.ini']);
    const [, endpoint] = /taking commands on (tcp:\/\/127\.0\.0\.1:\d+)/.exec(daemon.output)!;
    const { stdout } = await circusctl(place(), '--endpoint', endpoint!, 'numwatchers');
    assert.equal(stdout, '0\n');
  });
});
