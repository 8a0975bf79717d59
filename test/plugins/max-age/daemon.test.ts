import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../daemon.js';

interface Exit {
  readonly pid: number;
  readonly reason: string;
  readonly by: string;
}

describe('max-age in a real daemon', () => {
  const start = daemonPerTest();

  it('tells in history and events what was replaced, why and by whom', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\nmax_age = 1\nmax_age_variance = 0\nready_after = 0\n');
    const exits = async () => ((await daemon.json('history', 'web')) as { readonly exits: readonly Exit[] }).exits;
    await eventually(async () => assert.ok((await exits()).length > 0), { within: 10_000 });
    const [end] = await exits();
    assert.deepEqual([end?.reason, end?.by], ['too old', 'plugin max-age']);
    const { events } = (await daemon.json('events', '--watcher', 'web')) as {
      readonly events: readonly { readonly topic: string; readonly process_pid?: number }[];
    };
    const told = events.map(({ topic, process_pid }) => [topic.split('.').at(-1), process_pid]);
    const kill = told.findIndex(([event, pid]) => event === 'kill' && pid === end?.pid);
    assert.deepEqual(
      told.slice(kill - 2, kill).map(([event]) => event),
      ['spawn', 'ready'],
    );
    assert.ok(!told.some(([event]) => event === 'reap'), 'Circus tells of no reap here');
  });

  it('is loaded when the age is set first, which reloads the watcher as in Circus', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\nready_after = 0\n');
    const list = async () => ((await daemon.json('list', 'web')) as { readonly pids: readonly number[] }).pids;
    const before = await eventually(async () => {
      const pids = await list();
      assert.equal(pids.length, 1);
      return pids;
    });
    await daemon.json('set', 'web', 'max_age_variance', '0', '--waiting');
    await daemon.json('set', 'web', 'max_age', '100000', '--waiting');
    const after = await list();
    assert.notDeepEqual(after, before);
    const { stdout } = await daemon.ctl('explain', 'web');
    assert.match(stdout, /^Place 1 is replaced for its age in 28 h\.$/m);
    await daemon.json('set', 'web', 'max_age', '1', '--waiting');
    const [young] = await list();
    await eventually(async () => assert.ok(!(await list()).includes(young!)), { within: 10_000 });
  });
});
