import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Commands, type WatcherEvent } from '../../../cli/client/index.js';
import { table } from '../../../cli/ctl/table.js';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { everyCommand } from '../ctl/every-command.js';
import { client, closeAfterEach, methodsOf } from './fake.js';

type Names<P> = { readonly [K in keyof P]-?: true };

/** Every command of the client and all it takes; the compiler refuses one that is missing, or has no method. */
const taken: { readonly [C in keyof Commands & keyof Client]: Names<Commands[C]['properties']> } & Record<
  Exclude<keyof Commands, keyof Client>,
  never
> = {
  add: { name: true, cmd: true, args: true, options: true, start: true, waiting: true },
  cancel: { id: true },
  commands: {},
  decr: { name: true, nb: true, waiting: true },
  disable: { name: true, reason: true, match: true, waiting: true },
  dstats: {},
  enable: { name: true, later: true, match: true, waiting: true },
  events: { since: true, boot: true, watcher: true, limit: true },
  explain: { name: true, pid: true },
  freeze: { name: true },
  get: { name: true, keys: true },
  globaloptions: { option: true },
  groups: {},
  incr: { name: true, nb: true, waiting: true },
  history: { name: true },
  job: { id: true },
  jobs: { name: true, all: true },
  kill: { name: true, pid: true, signum: true, graceful_timeout: true, waiting: true },
  list: { name: true },
  listsockets: { queues: true },
  numprocesses: { name: true },
  numwatchers: {},
  options: { name: true },
  plan: {},
  quit: { waiting: true },
  reload: { name: true, graceful: true, sequential: true, continue: true, abort: true, waiting: true },
  reloadconfig: { waiting: true },
  restart: { name: true, match: true, waiting: true },
  rm: { name: true, nostop: true, waiting: true },
  rollback: { name: true, to: true, list: true, dry_run: true, waiting: true },
  save: { name: true },
  set: { name: true, options: true, waiting: true },
  signal: { name: true, signum: true, pid: true, childpid: true, children: true, recursive: true },
  start: { name: true, match: true, waiting: true },
  stats: { name: true, process: true, extended: true },
  status: { name: true },
  stop: { name: true, match: true, waiting: true },
  thaw: { name: true },
  tree: { name: true },
  wait: { id: true },
};

/** Commands that are another thing here, and properties that are only there for what Circus's documents say. */
const elsewhere: Readonly<Record<string, keyof Client>> = { listen: 'events' };
const others = new Set(['signal child_pid']);

describe('the methods of a client', () => {
  it('are there for every command of the controller', () => {
    const methods = methodsOf(Client);
    const missing = table.filter(({ name }) => !methods.includes(elsewhere[name] ?? name)).map(({ name }) => name);
    assert.deepEqual(missing, []);
    assert.deepEqual(
      Object.keys(taken).filter((name) => !methods.includes(name)),
      [],
    );
  });

  it('take what the commands declare, and nothing else', async () => {
    for (const { name, properties } of everyCommand) {
      const own = taken[name as keyof Commands] as Readonly<Record<string, true>> | undefined;
      if (!own) {
        assert.ok(elsewhere[name], name);
        continue;
      }
      const schema = properties['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
      const names = Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});
      assert.deepEqual(names.filter((each) => !others.has(`${name} ${each}`)).sort(), Object.keys(own).sort(), name);
    }
  });
});

const ini = `
[watcher:Web]
cmd = sleep 600
ready_after = 0
numprocesses = 2

[watcher:idle]
cmd = sleep 600
ready_after = 0
autostart = False

[socket:http]
host = 127.0.0.1
port = 0
`;

const sorted = (pids: readonly number[] = []) => [...pids].sort((a, b) => a - b);

describe('a client and a daemon', () => {
  const start = daemonPerTest();
  closeAfterEach();
  let daemon: Circusd;
  let circus: Client;
  beforeEach(async () => {
    daemon = await start(ini);
    circus = client({ endpoint: daemon.endpoint });
    await eventually(async () => (await circus.numprocesses()).numprocesses === 2);
    await eventually(async () => (await circus.status('web')).status === 'active');
  });

  it('ask and tell: status, list, counts, statistics, options, sockets', async () => {
    assert.deepEqual((await circus.status()).statuses, { Web: 'active', idle: 'stopped' });
    const { status, state, reason, time } = await circus.status('web');
    assert.deepEqual([status, state, reason, typeof time], ['active', 'active', '', 'number']);
    assert.deepEqual((await circus.list()).watchers, ['idle', 'web']);
    const { pids } = await circus.list('web');
    assert.equal(pids.length, 2);
    assert.equal((await circus.numprocesses('web')).watcher_name, 'web');
    assert.equal((await circus.numwatchers()).numwatchers, 2);

    const [pid = 0] = pids;
    assert.deepEqual(Object.keys((await circus.stats()).infos), ['Web', 'idle']);
    assert.deepEqual(
      Object.keys((await circus.stats('web')).info)
        .map(Number)
        .sort(),
      [...pids].sort(),
    );
    const { info } = await circus.stats('web', { process: pid });
    assert.ok(typeof info !== 'string' && info.pid === pid && info.wid === 1 && info.cmdline === 'sleep');
    const { info: own } = await circus.dstats();
    assert.ok(typeof own !== 'string' && own.pid === daemon.pid);

    assert.equal((await circus.options('web')).options['cmd'], 'sleep 600');
    assert.deepEqual((await circus.get('web', ['numprocesses', 'shell'])).options, { numprocesses: 2, shell: false });
    assert.equal((await circus.globaloptions()).options.endpoint, daemon.endpoint);
    assert.deepEqual((await circus.globaloptions('check_delay')).options, { check_delay: 5 });
    assert.deepEqual(
      (await circus.listsockets()).sockets.map(({ name, host, path }) => [name, host, path]),
      [['http', '127.0.0.1', undefined]],
    );
  });

  it('start, stop, restart and reload, and tell the pids with waiting', async () => {
    const pids = sorted((await circus.list('web')).pids);
    const { info } = await circus.start('web', { waiting: true });
    assert.deepEqual([info?.started, sorted(info?.kept)], [[], pids]);
    const restarted = await circus.restart('web', { waiting: true });
    assert.deepEqual(sorted(restarted.info?.stopped), pids);
    const reloaded = await circus.reload('web', { waiting: true });
    assert.deepEqual(sorted(reloaded.info?.stopped), sorted(restarted.info?.started));
    assert.equal((await circus.stop('*', { match: 'glob', waiting: true })).status, 'ok');
    assert.deepEqual((await circus.status()).statuses, { Web: 'stopped', idle: 'stopped' });
    await circus.start(undefined, { waiting: true });
    assert.deepEqual((await circus.status()).statuses, { Web: 'active', idle: 'stopped' });
  });

  it('change the number of processes, and send signals to them', async () => {
    assert.equal((await circus.incr('web', { waiting: true })).numprocesses, 3);
    assert.equal((await circus.decr('web', { nb: 2, waiting: true })).numprocesses, 1);
    const [pid = 0] = (await circus.list('web')).pids;
    const replaced = (old: number) =>
      eventually(async () => {
        const { pids } = await circus.list('web');
        return pids.length === 1 && pids[0] !== old && pids[0];
      });
    await circus.signal('web', 'KILL', { pid });
    const next = await replaced(pid);
    await circus.kill('web', { pid: Number(next), signum: 9, waiting: true });
    await replaced(Number(next));
  });

  it('add, change and remove watchers', async () => {
    const { started } = await circus.add('new', 'sleep 600', {
      start: true,
      waiting: true,
      options: { numprocesses: 2 },
    });
    assert.equal(started?.length, 2);
    await circus.set('new', { numprocesses: 1 }, { waiting: true });
    assert.equal((await circus.numprocesses('new')).numprocesses, 1);
    await circus.rm('new', { waiting: true });
    await assert.rejects(circus.status('new'), { code: 'ERR_REFUSED', errno: 3, reason: 'program new not found' });
  });

  it('compare with the files, and take them over', async () => {
    await circus.set('web', { numprocesses: 1 }, { waiting: true });
    const { changes, drift } = await circus.plan();
    assert.deepEqual(changes, []);
    assert.deepEqual(
      drift.map(({ watcher, keys }) => [watcher, keys[0]?.key]),
      [['Web', 'numprocesses']],
    );
    assert.deepEqual((await circus.reloadconfig({ waiting: true })).changes, []);
    await assert.rejects(circus.save(), { code: 'ERR_REFUSED' });
  });

  it('know what the other does not know', async () => {
    await assert.rejects(circus.call('no-such'), { code: 'ERR_REFUSED', errno: 2 });
  });

  it('end the daemon, and hear of it', async () => {
    assert.equal((await circus.quit({ waiting: true })).status, 'ok');
    assert.equal(await daemon.exited, 0);
  });

  it('tell events from the moment they are ready', async () => {
    const events = circus.events({ watcher: 'web' });
    await events.ready;
    const first = events.next();
    await eventually(async () => {
      await circus.set('web', { send_hup: false });
      return Promise.race([first.then(() => true), sleep(20, false)]);
    });
    assert.equal((await first).value?.event, 'updated');
    await circus.stop('web', { waiting: true });
    const seen: WatcherEvent[] = [];
    for await (const event of events) {
      if (event.event !== 'updated') seen.push(event);
      if (event.event === 'stop') break;
    }
    assert.deepEqual(
      seen.map(({ event, pid, exit_code }) => [event, typeof pid, exit_code]),
      [
        ['kill', 'number', undefined],
        ['kill', 'number', undefined],
        ['reap', 'number', -15],
        ['reap', 'number', -15],
        ['stop', 'undefined', undefined],
      ],
    );
  });
});
