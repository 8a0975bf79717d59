import assert from 'node:assert/strict';
import { exitCode, topicOf } from '#plugins/controller/events.js';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, listen, type Client, type Event, type Listener } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[watcher:Big Cat]
cmd = sleep 600
numprocesses = 2
graceful_timeout = 5
ready_after = 0

[watcher:deaf]
cmd = sh -c 'trap "" TERM; echo cannot hear; while :; do sleep 600; done'
graceful_timeout = 0.3

[watcher:quick]
cmd = sh -c 'exit 7'
autostart = False
respawn = False

[watcher:family]
cmd = sh -c 'sleep 600 & sleep 600 & echo is complete; wait'
copy_env = True
stop_children = True
autostart = False

[watcher:missing]
cmd = /nowhere/program
autostart = False
max_retry = 1

[watcher:refused]
cmd = sleep 600
autostart = False
hooks.before_start = exec:false
`;
const cat = { name: 'big cat' };
/** What Circus would not tell; test/plugins/controller/all-events.test.ts sees to it. */
const ours = new Set(['ready', 'unready', 'retry', 'gave_up', 'reload_aborted']);

describe('the events', () => {
  const start = daemonPerTest();
  closeClients();
  let daemon: Circusd;
  let client: Client;
  let listener: Listener;
  beforeEach(async () => {
    daemon = await start(ini);
    client = connect(daemon);
    await eventually(async () => {
      const { statuses } = await client.ask('status');
      const up = {
        'Big Cat': 'active',
        deaf: 'active',
        family: 'stopped',
        quick: 'stopped',
        missing: 'stopped',
        refused: 'stopped',
      };
      assert.deepEqual(statuses, up);
      assert.equal((await client.ask('numprocesses'))['numprocesses'], 3);
    });
    listener = await listen(daemon, 'quick', 'watcher.');
  });

  const ask = async (command: string, properties: unknown) => {
    const { status, reason } = await client.ask(command, properties);
    assert.equal(status, 'ok', String(reason));
  };
  const wordsOf = (watcher: string) => listener.words(watcher).filter((word) => !ours.has(word));
  /** Resolves when these and no others have come for a watcher, in this order. */
  const expect = (watcher: string, ...words: readonly string[]) =>
    eventually(() => assert.deepEqual(wordsOf(watcher), words));
  const pidsIn = (topic: string) =>
    listener.events.filter((event) => event.topic === topic).map(({ payload }) => payload['process_pid']);

  it('stop: kill, reap, stop; start: spawn, start; each with its pids', async () => {
    const before = await client.pids('big cat');
    await ask('stop', { ...cat, waiting: true });
    await expect('big_cat', 'kill', 'kill', 'reap', 'reap', 'stop');
    assert.deepEqual(pidsIn('watcher.big_cat.kill').sort(), [...before].sort());
    assert.deepEqual(pidsIn('watcher.big_cat.reap').sort(), [...before].sort());
    listener.events.length = 0;
    await ask('start', { ...cat, waiting: true });
    await expect('big_cat', 'spawn', 'spawn', 'start');
    assert.deepEqual(pidsIn('watcher.big_cat.spawn'), await client.pids('big cat'));
  });

  it('have the time, and what belongs to them and no more', async () => {
    const payloads = async (command: string, properties: unknown, last: string) => {
      listener.events.length = 0;
      await ask(command, properties);
      await listener.next(`watcher.${last}`);
      return new Map(listener.events.map(({ topic, payload }) => [topic.split('.')[2], payload]));
    };
    const restarted = await payloads('restart', { ...cat, waiting: true }, 'big_cat.start');
    const set = await payloads('set', { ...cat, options: { send_hup: true } }, 'big_cat.updated');
    const added = await payloads('add', { name: 'X y', cmd: 'true' }, 'x_y.add');
    const removed = await payloads('rm', { name: 'x Y' }, 'x_y.remove');
    const all = new Map([...restarted, ...set, ...added, ...removed]);
    const keys = Object.fromEntries([...all].map(([event, payload]) => [event, Object.keys(payload).sort().join(' ')]));
    assert.deepEqual(keys, {
      kill: 'boot process_pid seq time',
      reap: 'boot exit_code process_pid seq time',
      stop: 'boot seq time',
      spawn: 'boot process_pid seq time',
      ready: 'boot process_pid seq time',
      start: 'boot seq time',
      updated: 'boot seq time',
      add: 'boot seq time',
      remove: 'boot seq time',
    });
    const now = Date.now() / 1000;
    for (const payload of all.values()) assert.ok(Math.abs(now - (payload['time'] as number)) < 30);
  });

  it('reap: with the exit code, or the signal below zero', async () => {
    await ask('start', { name: 'quick' });
    assert.equal((await listener.next('watcher.quick.reap')).payload['exit_code'], 7);
    await eventually(() => assert.ok(listener.words('quick').includes('stop')));
    process.kill((await client.pids('big cat'))[0]!, 'SIGKILL');
    assert.equal((await listener.next('watcher.big_cat.reap')).payload['exit_code'], -9);
    await expect('big_cat', 'reap', 'spawn');
  });

  it('kill: twice for what does not go, and reap with -9', async () => {
    const [pid] = await client.pids('deaf');
    await eventually(() => daemon.log.includes('cannot hear'));
    await ask('stop', { name: 'deaf', waiting: true });
    await listener.next('watcher.deaf.stop');
    const words = wordsOf('deaf');
    assert.deepEqual([words[0], ...words.slice(-2)], ['kill', 'reap', 'stop']);
    assert.equal(pidsIn('watcher.deaf.kill').filter((killed) => killed === pid).length, 2);
    assert.equal((await listener.next('watcher.deaf.reap')).payload['exit_code'], -9);
  });

  it('no reap for what decr, a graceful reload and kill end', async () => {
    await ask('decr', { ...cat, waiting: true });
    await expect('big_cat', 'kill');
    listener.events.length = 0;
    await ask('reload', { ...cat, waiting: true });
    await expect('big_cat', 'spawn', 'kill', 'reload');
    listener.events.length = 0;
    await ask('kill', { ...cat, waiting: true });
    await expect('big_cat', 'kill', 'spawn');
  });

  it('a reap for what a sequential reload ends; no kill for the signal command', async () => {
    await ask('reload', { ...cat, sequential: true, waiting: true });
    await expect('big_cat', 'kill', 'reap', 'spawn', 'kill', 'reap', 'spawn', 'reload');
    listener.events.length = 0;
    await ask('signal', { ...cat, signum: 'KILL' });
    await eventually(() => assert.equal(wordsOf('big_cat').filter((word) => word === 'spawn').length, 2));
    assert.deepEqual(wordsOf('big_cat').sort(), ['reap', 'reap', 'spawn', 'spawn']);
  });

  it('a kill for each child that gets the stop signal too', async () => {
    await ask('start', { name: 'family', waiting: true });
    await eventually(() => daemon.log.includes('is complete'));
    const [pid] = await client.pids('family');
    const { info } = await client.ask('stats', { name: 'family', process: pid });
    const children = (info as { children: readonly { pid: number }[] }).children.map((child) => child.pid);
    listener.events.length = 0;
    await ask('stop', { name: 'family', waiting: true });
    await expect('family', 'kill', 'kill', 'kill', 'reap', 'stop');
    assert.deepEqual([...pidsIn('watcher.family.kill')].sort(), [pid!, ...children].sort());
  });

  it('of set and rm: what was asked first, then what it does', async () => {
    await ask('set', { ...cat, options: { numprocesses: 1 }, waiting: true });
    await expect('big_cat', 'updated', 'kill');
    listener.events.length = 0;
    await ask('set', { ...cat, options: { send_hup: true }, waiting: true });
    await ask('signal', { ...cat, signum: 0 });
    await ask('rm', { ...cat, waiting: true });
    await expect('big_cat', 'updated', 'remove', 'kill', 'reap', 'stop');
  });

  it('of a reload: nothing but reload where it is a SIGHUP, and no reload where it is a restart', async () => {
    await ask('add', {
      name: 'hup',
      cmd: `sh -c 'trap "echo was told" HUP; echo can hear; while :; do sleep 1; done'`,
    });
    await ask('set', { name: 'hup', options: { send_hup: true, copy_env: true }, waiting: true });
    await ask('start', { name: 'hup', waiting: true });
    await eventually(() => daemon.log.includes('can hear'));
    await listener.next('watcher.hup.start');
    listener.events.length = 0;
    await ask('reload', { name: 'hup', waiting: true });
    await eventually(() => daemon.log.includes('was told'));
    await expect('hup', 'reload');
    listener.events.length = 0;
    await ask('reload', { name: 'hup', graceful: false, waiting: true });
    await listener.next('watcher.hup.start');
    assert.ok(!listener.words('hup').includes('reload'));
  });

  it('an updated for each option that is set, whatever it does', async () => {
    await ask('set', { ...cat, options: { max_retry: 5, respawn: true, retry_in: 2 }, waiting: true });
    await expect('big_cat', 'updated', 'updated', 'updated');
  });

  it('a start that fails ends with stop', async () => {
    await client.ask('start', { name: 'missing', waiting: true });
    await expect('missing', 'stop');
  });

  it('a start that is refused was none, and has no stop', async () => {
    await client.ask('start', { name: 'refused', waiting: true });
    await ask('set', { name: 'refused', options: { max_retry: 1 }, waiting: true });
    await expect('refused', 'hook_failure', 'updated');
  });

  it('quit: the last of them come before the endpoint goes', async () => {
    await ask('quit', { waiting: true });
    assert.equal(await daemon.exited, 0);
    await daemon.stop();
    await eventually(() => assert.deepEqual(listener.words('big_cat').at(-1), 'stop'));
  });

  it('are chosen by the beginning of their topic', async () => {
    const narrow = await listen(daemon, 'quick', 'watcher.quick.');
    await ask('restart', { ...cat, waiting: true });
    await ask('set', { name: 'quick', options: { send_hup: true } });
    await narrow.next('watcher.quick.updated');
    assert.deepEqual(
      narrow.events.map(({ topic }: Event) => topic),
      ['watcher.quick.updated'],
    );
  });
});

describe('the words of an event', () => {
  it('have the name in lower case, its blanks as underscores, and nothing else changed', () => {
    assert.equal(topicOf('Big Cat  A.b', 'kill'), 'watcher.big_cat__a.b.kill');
  });

  it('tell an exit as Circus does', () => {
    const exit = (code: number | null, signal: number | null) =>
      exitCode({ code, signal } as Parameters<typeof exitCode>[0]);
    assert.deepEqual([exit(0, null), exit(3, null), exit(null, 15), exit(null, null)], [0, 3, -15, null]);
  });
});
