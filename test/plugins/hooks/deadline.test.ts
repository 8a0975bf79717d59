import assert from 'node:assert/strict';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, listen, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { files, hookOf, kinds, notesOf } from './kinds.js';

describe('a hook that hangs', () => {
  const start = daemonPerTest();
  closeClients();
  const begin = (lines: readonly string[]) =>
    start(
      `[watcher:other]\ncmd = sleep 600\n[watcher:web]\ncmd = sleep 600\nautostart = False\n${lines.join('\n')}\n`,
      files,
    );
  /** Resolves when the hook was called. */
  const called = (daemon: Circusd, point: string) =>
    eventually(() => assert.ok(notesOf(daemon).some(({ what }) => what === point)));
  const pidOf = async (client: Client, name: string) =>
    eventually(async () => {
      const { pids } = await client.ask('list', { name });
      return (pids as readonly number[])[0] ?? assert.fail('no process');
    });

  for (const kind of kinds) {
    it(`as a ${kind} hurts its watcher only`, async () => {
      const daemon = await begin([`hooks.before_start = ${hookOf(kind, 'hang')}`, 'hooks.timeout = 600']);
      const client = connect(daemon);
      await client.ask('start', { name: 'web' });
      await called(daemon, 'before_start');
      // Meanwhile everything goes on for others.
      const before = await pidOf(client, 'other');
      assert.equal((await client.ask('status', { name: 'web' }))['status'], 'starting');
      assert.equal((await client.ask('restart', { name: 'other', waiting: true }))['status'], 'ok');
      const after = await pidOf(client, 'other');
      assert.notEqual(after, before);
      process.kill(after, 'SIGKILL');
      await eventually(async () => assert.ok(![before, after].includes(await pidOf(client, 'other'))));
      assert.equal((await client.ask('stop', { name: 'other', waiting: true }))['status'], 'ok');
      assert.equal((await client.ask('status', { name: 'web' }))['status'], 'starting');
    });

    it(`as a ${kind} is ended with all that it started when its time is up`, async () => {
      const daemon = await begin([`hooks.before_start = ${hookOf(kind, 'hang')}`, 'hooks.timeout = 2s']);
      const client = connect(daemon);
      await client.ask('stop', { name: 'other', waiting: true });
      const listener = await listen(daemon, 'other');
      const starting = client.begin('start', { name: 'web', waiting: true });
      await called(daemon, 'before_start');
      const reply = await client.answer(await starting);
      assert.match(String(reply['reason']), /its before_start ".*" failed: took longer than 2 s/);
      const { payload } = await listener.next('watcher.web.hook_failure');
      assert.deepEqual([payload['name'], payload['error']], ['before_start', 'took longer than 2 s']);
      assert.equal((await client.ask('status', { name: 'web' }))['status'], 'stopped');
      await eventually(() => assert.deepEqual(daemon.descendants(), []));
    });

    for (const point of ['before_start', 'before_spawn', 'after_spawn', 'after_start']) {
      it(`as a ${kind} at ${point} is given up for a stop`, async () => {
        const daemon = await begin([`hooks.${point} = ${hookOf(kind, 'hang')}`, 'hooks.timeout = 600']);
        const client = connect(daemon);
        await client.ask('stop', { name: 'other', waiting: true });
        await client.ask('start', { name: 'web' });
        await called(daemon, point);
        assert.equal((await client.ask('stop', { name: 'web', waiting: true }))['status'], 'ok');
        assert.equal((await client.ask('status', { name: 'web' }))['status'], 'stopped');
        await eventually(() => assert.deepEqual(daemon.descendants(), []));
      });
    }

    it(`as a ${kind} at a stop delays it by its time, and does not prevent it`, async () => {
      const lines = ['before_stop', 'before_signal', 'after_stop'].map(
        (point) => `hooks.${point} = ${hookOf(kind, 'hang')}`,
      );
      const daemon = await begin([...lines, 'hooks.timeout = 1', 'graceful_timeout = 0.5']);
      const client = connect(daemon);
      await client.ask('stop', { name: 'other', waiting: true });
      await client.ask('start', { name: 'web', waiting: true });
      assert.equal((await client.ask('stop', { name: 'web', waiting: true }))['status'], 'ok');
      assert.equal((await client.ask('status', { name: 'web' }))['status'], 'stopped');
      await eventually(() => assert.deepEqual(daemon.descendants(), []));
      assert.match(daemon.log, /hook before_stop .* failed: was cut short, as its watcher went on without it/);
      assert.match(daemon.log, /hook after_stop .* failed: took longer than 1 s/);
    });
  }

  it('does not keep the daemon from its end', async () => {
    const daemon = await begin([`hooks.before_start = ${hookOf('command', 'hang')}`, 'hooks.timeout = 600']);
    await connect(daemon).ask('start', { name: 'web' });
    await called(daemon, 'before_start');
    assert.equal(await daemon.stop(), 0);
  });

  it('has more time than other plugins when it is given', async () => {
    const daemon = await begin(["hooks.before_spawn = exec:sh -c 'sleep 5.5'", 'hooks.after_spawn = exec:true']);
    const client = connect(daemon);
    await client.ask('start', { name: 'web', waiting: true });
    assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active');
    assert.doesNotMatch(daemon.log, /ERR_PLUGIN|did not answer/);
  });
});
