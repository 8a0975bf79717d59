import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventTable, type EventFacts } from '#plugins/controller/event-table.js';
import { eventually } from '../../support/eventually.js';
import { listen, type Event, type Listener } from '../client.js';
import { sessionPerTest } from './session.js';

/** Says of each process of "moody" that it can't serve any more, and fails in the hook `socketClosed` and at "moody". */
const plugin = `
export default {
  name: 'moods',
  apply({ hooks }) {
    hooks.processState.tap('moods', (process, before, after) => {
      if (process.watcher === 'moody' && before === 'unready' && after === 'ready') process.become('unready');
    });
    hooks.watcherState.tap('moods', ({ name }, before, after) => {
      if (name === 'moody' && after === 'active') throw new Error('a bad mood');
    });
  },
};
`;
const ini = `
[plugin:moods]
use = ./moods.mjs

[plugin:intent]
use = intent
stable_after = 0

[watcher:web]
cmd = sleep 600
ready_after = 0

[watcher:moody]
cmd = sleep 600
autostart = False

[watcher:restless]
cmd = sh -c 'exit 3'
autostart = False

[watcher:missing]
cmd = /nowhere/program
autostart = False
max_retry = 1

[watcher:slow]
cmd = sleep 600
ready_after = 60

[watcher:hooked]
cmd = sleep 600
autostart = False
hooks.before_start = exec:true
hooks.after_start = exec:false, True
`;

describe('every event of the table', () => {
  const session = sessionPerTest(ini, undefined, { files: { 'moods.mjs': plugin } });
  let listener: Listener;
  beforeEach(async () => {
    listener = await listen(session.daemon, 'web');
  });
  const ask = async (command: string, properties?: unknown) => {
    const reply = await session.client.ask(command, properties);
    assert.equal(reply['status'], 'ok', String(reply['reason']));
    return reply;
  };
  const payload = async (topic: string): Promise<Event['payload']> => {
    const { time, seq, boot, ...facts } = (await listener.next(topic)).payload;
    assert.deepEqual([typeof time, typeof seq, typeof boot], ['number', 'number', 'string']);
    return facts;
  };
  const rewrite = (text: string) => writeFileSync(join(session.daemon.folder.path, 'circus.ini'), text);
  const endpoints = () =>
    `[circus]\nendpoint = ipc://${session.daemon.folder.path}/control\npubsub_endpoint = ipc://${session.daemon.folder.path}/events\n`;

  it('comes from a daemon, with the payload that the table says', async () => {
    await ask('restart', { name: 'web', waiting: true });
    await ask('reload', { name: 'web', waiting: true });
    await ask('set', { name: 'web', options: { send_hup: true } });
    const isGood = async () => {
      const { good_specs } = await ask('rollback', { name: 'web', list: true });
      assert.equal((good_specs as { readonly present: string }[])[0]!.present, 'good');
    };
    await eventually(isGood);
    await ask('set', { name: 'web', options: { max_retry: 9 } });
    await eventually(isGood);
    await ask('rollback', { name: 'web' });
    await ask('disable', { name: 'moody' });
    await ask('enable', { name: 'moody' });
    await ask('add', { name: 'new', cmd: 'sleep 600' });
    await ask('rm', { name: 'new' });
    await ask('start', { name: 'moody', waiting: true });
    await ask('start', { name: 'hooked', waiting: true });
    await ask('start', { name: 'restless' });
    await ask('start', { name: 'missing' });
    await ask('reload', { name: 'slow' });
    await ask('stop', { name: 'slow', waiting: true });
    rewrite(`${endpoints()}${ini}\n[watcher:more]\ncmd = sleep 600\n`);
    await ask('reloadconfig', { waiting: true });
    rewrite(`${endpoints()}${ini}\nnonsense without a section`);
    await session.client.ask('reloadconfig', { waiting: true });
    const names = (facts: EventFacts, name: string) =>
      listener.events.filter(({ topic }) =>
        facts.about === 'daemon' ? topic === `daemon.${name}` : new RegExp(`^watcher\\.\\w+\\.${name}$`).test(topic),
      );
    await listener.next('watcher.restless.retry');
    for (const [name, facts] of Object.entries(eventTable)) {
      const found = await eventually(() => names(facts, name)[0] ?? assert.fail(`no ${name}`));
      const common = ['time', 'seq', 'boot'];
      const keys = Object.keys(found.payload).filter((key) => !common.includes(key));
      assert.deepEqual(keys.sort(), [...facts.payload].sort(), name);
    }
    const known = Object.keys(eventTable);
    for (const { topic } of listener.events) assert.ok(known.includes(topic.split('.').at(-1)!), topic);
  });

  it('has its facts: retry, gave_up, reload_aborted', async () => {
    await ask('start', { name: 'missing' });
    assert.deepEqual(await payload('watcher.missing.gave_up'), {
      reason: 'could not start "/nowhere/program": No such file or directory',
    });
    await ask('reload', { name: 'slow' });
    await ask('stop', { name: 'slow', waiting: true });
    const { reason, by } = await payload('watcher.slow.reload_aborted');
    assert.match(String(reason), /^reload of "slow" was cancelled: stop by operator \(job \d+\)$/);
    assert.match(String(by), /^operator \(job \d+\)$/);
    await ask('start', { name: 'restless' });
    const retry = await payload('watcher.restless.retry');
    assert.deepEqual([retry['wid'], retry['attempt']], [1, 1]);
    assert.ok(Number(retry['in']) > 0.5 && Number(retry['in']) <= 1, String(retry['in']));
    assert.match(String(retry['reason']), /^process \d+ exited with code 3 after 0\.\d s$/);
    const attempts = () =>
      listener.events
        .filter(({ topic }) => topic === 'watcher.restless.retry')
        .map((event) => event.payload['attempt']);
    await eventually(() => assert.deepEqual(attempts().slice(0, 2), [1, 2]));
    await ask('restart', { name: 'restless' });
    await eventually(() => assert.equal(attempts().filter((attempt) => attempt === 1).length, 2));
  });

  it('has its facts: ready, unready, plugin_fault', async () => {
    await ask('start', { name: 'moody', waiting: true });
    const { pids } = await ask('list', { name: 'moody' });
    const [process_pid] = pids as number[];
    assert.deepEqual(await payload('watcher.moody.ready'), { process_pid });
    assert.deepEqual(await payload('watcher.moody.unready'), { process_pid });
    assert.deepEqual(await payload('daemon.plugin_fault'), {
      plugin: 'moods',
      hook: 'watcherState',
      watcher: 'moody',
      error: 'a bad mood',
    });
  });

  it('has its facts: config_changed and config_failed, without values', async () => {
    const more = '[watcher:more]\ncmd = sleep 601\n';
    rewrite(`${endpoints()}${ini}\n${more}`.replace('[watcher:web]', '[watcher:web]\nenv.KEY = abc'));
    await ask('reloadconfig', { waiting: true });
    const { changes, by } = await payload('daemon.config_changed');
    const short = (changes as { kind: string; name: string; what: string; keys: string[] }[]).map(
      ({ kind, name, what, keys }) => `${kind} ${name} ${what} ${keys.join(',')}`,
    );
    assert.deepEqual(short.sort(), ['watcher more added ', 'watcher web changed env']);
    assert.match(String(by), /^operator \(job \d+\)$/);
    assert.doesNotMatch(JSON.stringify(changes), /abc|601/);
    rewrite(`${endpoints()}${ini}\n[watcher:other]\nnumprocesses = 2\n`);
    await session.client.ask('reloadconfig', { waiting: true });
    assert.match(String((await payload('daemon.config_failed'))['reason']), /circus\.ini:\d+:\d+: .*other/);
  });

  it('has a number that goes up by one, over all of the daemon, and can be had later', async () => {
    await ask('restart', { name: 'web', waiting: true });
    const last = await ask('events', { since: 0 });
    const events = last['events'] as { readonly seq: number; readonly topic: string }[];
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, at) => at + 1),
    );
    await eventually(() => assert.equal(listener.events.at(-1)!.payload['seq'], last['next']));
    for (const { topic, payload } of listener.events) {
      const { boot, ...facts } = payload;
      assert.equal(boot, last['boot']);
      assert.deepEqual(events[Number(facts['seq']) - 1], { topic, ...facts });
    }
  });
});
