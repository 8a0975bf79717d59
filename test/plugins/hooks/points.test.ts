import assert from 'node:assert/strict';
import { pointNames, type PointName } from '#plugins/hooks/points.js';
import { startCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import type { Note } from '../../support/notes.js';
import { closeClients, connect, listen, type Event } from '../client.js';
import { files, hookOf, kinds, notesOf } from './kinds.js';

/** What a life of a watcher comes to: in this order, but for what nobody waits for. */
const order: readonly PointName[] = [
  ...(['before_start', 'before_spawn', 'after_spawn', 'after_start', 'extended_stats', 'before_stop'] as const),
  ...(['before_signal', 'after_signal', 'before_reap', 'after_reap', 'after_stop'] as const),
];
const ofProcess = /^after_spawn|signal|reap|stats/;

for (const kind of kinds) {
  describe(`each hook as a ${kind}`, () => {
    closeClients();
    let notes: readonly Note[];
    let events: readonly Event[];
    let stats: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    let plain: typeof stats;
    let pid: number;
    let endpoint: string;

    before('live once', async function () {
      this.timeout(30_000);
      const hooks = pointNames.map((point) => `hooks.${point} = ${hookOf(kind, 'yes')}`).join('\n');
      const ini = `[watcher:other]\ncmd = sleep 600\n[watcher:web]\ncmd = sleep 600\nautostart = False\nenv.OWN = mine\n${hooks}\n`;
      const daemon = await startCircusd(ini, files);
      try {
        const client = connect(daemon);
        const listener = await listen(daemon, 'other');
        await client.ask('start', { name: 'web', waiting: true });
        const { pids } = await client.ask('list', { name: 'web' });
        [pid] = pids as [number];
        plain = (await client.ask('stats', { name: 'web' }))['info'] as typeof stats;
        stats = (await client.ask('stats', { name: 'web', extended: true }))['info'] as typeof stats;
        await client.ask('stop', { name: 'web', waiting: true });
        await eventually(() => {
          const names = listener.events.filter(({ topic }) => /hook/.test(topic)).map(({ payload }) => payload['name']);
          assert.ok(names.includes('after_stop'));
        });
        ({ events } = listener);
        ({ endpoint } = daemon);
        notes = notesOf(daemon);
        await daemon.stop();
      } catch (error) {
        console.error(daemon.log);
        await daemon.kill();
        throw error;
      }
    });
    const noteOf = (point: PointName) => notes.find(({ what }) => what === point) ?? assert.fail(`no ${point}`);

    it('comes in the order of a life, once for one process', () => {
      assert.deepEqual(
        notes.map(({ what }) => what),
        order,
      );
    });

    for (const point of pointNames) {
      it(`${point} is told what it is about`, () => {
        const note = noteOf(point);
        assert.equal(note['watcher'], 'web');
        if (kind !== 'module') assert.deepEqual([note['own'], note['endpoint']], ['mine', endpoint]);
        const given = note['pid'] || note['process_pid'];
        if (ofProcess.test(point)) assert.equal(Number(given), pid);
        else assert.ok(!given);
        if (ofProcess.test(point) && kind !== 'python') assert.equal(Number(note['wid']), 1);
        if (/signal/.test(point)) assert.equal(Number(note['signum']), 15);
        if (/reap/.test(point)) assert.ok(Math.abs(Number(note['time']) - Date.now() / 1000) < 60);
        if (point !== 'after_reap') return;
        assert.equal(Number(note['exit_code']), -15);
        if (kind === 'module' || kind === 'python') assert.equal(note['process_status'], null);
      });
    }

    for (const point of pointNames.filter((name) => name !== 'extended_stats')) {
      it(`${point} is followed by hook_success`, () => {
        const found = events.filter(
          ({ topic, payload }) => topic === 'watcher.web.hook_success' && payload['name'] === point,
        );
        assert.equal(found.length, 1);
        assert.equal(typeof found[0]?.payload['time'], 'number');
      });
    }

    it('extended_stats adds to what is asked for with extended, and has no event', () => {
      assert.deepEqual([stats[pid]?.['extra'], plain[pid]?.['extra']], [42, undefined]);
      assert.equal(stats[pid]?.['pid'], pid);
      assert.ok(!events.some(({ payload }) => payload['name'] === 'extended_stats'));
      assert.ok(!events.some(({ topic }) => topic.endsWith('hook_failure')));
    });
  });
}
