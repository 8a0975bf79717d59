import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { childrenOf } from '#core';
import { daemonPerTest } from '../daemon.js';

const hog = `/usr/bin/python3 ${inRoot('test', 'fixtures', 'programs', 'hog.py')}`;
const watcher = (command: string, options: string, name = 'web') =>
  `[watcher:${name}]\ncmd = ${command}\nready_after = 0\ncopy_env = True\n${options}\n`;
const quick = 'resources.interval = 0.2\nresources.samples = 2 of 3';

interface Exit {
  readonly pid: number;
  readonly reason: string;
  readonly by: string;
}

describe('the resource watcher in a real daemon', () => {
  const start = daemonPerTest();
  const exits = async (daemon: Circusd, name = 'web') =>
    ((await daemon.json('history', name)) as { readonly exits: readonly Exit[] }).exits;
  /** The first end of a process of a watcher. */
  const end = (daemon: Circusd, name = 'web') =>
    eventually(
      async () => {
        const [first] = await exits(daemon, name);
        assert.ok(first, daemon.log);
        return first;
      },
      { within: 20_000 },
    );
  const pidsOf = (daemon: Circusd, count: number, name = 'web') =>
    eventually(async () => {
      const pids = await daemon.pids(name);
      assert.equal(pids.length, count);
      return pids;
    });
  const opened = (daemon: Circusd, name: string) => daemon.folder.write(name, '');

  it('replaces the one process that uses too much memory, and another one is ready first', async () => {
    const daemon = await start(
      watcher(`${hog} memory 64 ./go$(circus.wid)`, `numprocesses = 2\nresources.max_memory = 40M\n${quick}`),
    );
    const [first, second] = await pidsOf(daemon, 2);
    opened(daemon, 'go1');
    const { pid, reason, by } = await end(daemon);
    assert.equal(by, 'plugin resource-watcher');
    assert.match(reason, /^resources\.max_memory: it uses \d+(\.\d)?M of memory, more than 40M, in 2 of 3 samples$/);
    const left = await pidsOf(daemon, 2);
    assert.ok([first, second].includes(pid) && left.includes(pid === first ? second! : first!));
    const { events } = (await daemon.json('events', '--watcher', 'web')) as {
      readonly events: readonly { readonly topic: string; readonly process_pid?: number; readonly limit?: string }[];
    };
    const told = events.map(
      ({ topic, process_pid }) => `${topic.split('.').at(-1)} ${process_pid === pid ? 'old' : 'other'}`,
    );
    const at = told.indexOf('out_of_limits old');
    assert.deepEqual(told.slice(at, at + 4), ['out_of_limits old', 'spawn other', 'ready other', 'kill old']);
    assert.equal(events[at]!.limit, 'resources.max_memory');
  });

  it('counts what a process has started', async () => {
    const daemon = await start(watcher(`sh -c '${hog} memory 64 ./go & wait'`, `resources.max_memory = 40M\n${quick}`));
    await pidsOf(daemon, 1);
    opened(daemon, 'go');
    assert.match((await end(daemon)).reason, /^resources\.max_memory/);
  });

  it('counts memory that copies share once, and tells what they use', async () => {
    const daemon = await start(watcher(`${hog} share 64 3`, `resources.max_memory = 180M\n${quick}`));
    const [pid] = await pidsOf(daemon, 1);
    await eventually(async () => {
      const { stdout } = await daemon.ctl('explain', 'web');
      assert.match(
        stdout,
        /^Place 1 uses [\d.]+M of memory \(its share of what is shared\); 0 of the last 3 samples were more than 180M \(it is replaced after 2\)\.$/m,
      );
    });
    assert.deepEqual(await daemon.pids('web'), [pid]);
  });

  it('replaces a process that hangs in a loop, and runs a command before', async () => {
    const dump = 'echo "$CIRCUS_WATCHER $CIRCUS_WID $CIRCUS_PID $CIRCUS_CPU" > facts\necho dumped\n';
    const options =
      'resources.max_cpu = 10\nresources.samples = 4\nresources.interval = 0.3\nresources.before = exec:sh dump.sh';
    const daemon = await start(watcher(`${hog} cpu ./go$(circus.wid)`, options), { files: { 'dump.sh': dump } });
    await pidsOf(daemon, 1);
    opened(daemon, 'go1');
    const { pid, reason } = await end(daemon);
    assert.match(reason, /^resources\.max_cpu: it uses [\d.]+% of a processor, more than 10%, 4 times in a row$/);
    assert.match(readFileSync(`${daemon.folder.path}/facts`, 'utf8'), new RegExp(`^web 1 ${pid} \\d+\\.\\d\n$`));
    assert.match(daemon.log, /web: sh: dumped/);
  });

  it('kills a command that takes too long, and goes on', async () => {
    const options = `resources.max_memory = 40M\n${quick}\nresources.before = exec:sleep 600\nresources.before_timeout = 0.2`;
    const daemon = await start(watcher(`${hog} memory 64 ./go$(circus.wid)`, options));
    await pidsOf(daemon, 1);
    opened(daemon, 'go1');
    await end(daemon);
    assert.match(daemon.log, /web: sleep was killed after 0\.2 s/);
  });

  it('leaves the old process where the new one fails, and does not try again at once', async () => {
    const options = `resources.max_memory = 40M\n${quick}\nready.exec = test -e ok\nready.timeout = 0.5\nready.interval = 0.1`;
    const daemon = await start(watcher(`${hog} memory 64 ./go`, options).replace('ready_after = 0\n', ''), {
      files: { ok: '' },
    });
    const [pid] = await pidsOf(daemon, 1);
    rmSync(`${daemon.folder.path}/ok`);
    opened(daemon, 'go');
    await eventually(() => assert.match(daemon.log, /web: process \d+ could not be replaced \(resources\.max_memory/), {
      within: 20_000,
    });
    assert.deepEqual(await daemon.pids('web'), [pid]);
    // Five more samples are too much by now, and nothing follows.
    await eventually(async () => {
      const { resources } = (await daemon.json('explain', 'web')) as {
        readonly resources: readonly { readonly over: Readonly<Record<string, number>> }[];
      };
      assert.ok(resources[0]!.over['resources.max_memory']! >= 3);
    });
    assert.equal(daemon.log.match(/is replaced: resources/g)?.length, 1);
  });

  it('is loaded when a limit is set, at once and without a reload', async () => {
    const daemon = await start(watcher(`${hog} memory 64 ./go`, ''), { files: { go: '' } });
    const [pid] = await pidsOf(daemon, 1);
    const wrong = await daemon.ctl('set', 'web', 'resources.max_memory', 'lots');
    assert.match(wrong.stderr, /resources\.max_memory.* must be a size/);
    await daemon.json(
      'set',
      'web',
      'resources.interval',
      '0.2',
      'resources.max_memory',
      '40M',
      'resources.samples',
      '2',
    );
    assert.equal((await end(daemon)).pid, pid);
  });

  it('takes several sections of Circus, which clients see as watchers, and replaces one process', async () => {
    const statsd = createSocket('udp4');
    const counted: string[] = [];
    statsd.on('message', (message) => void counted.push(message.toString()));
    statsd.bind(0, '127.0.0.1');
    await once(statsd, 'listening');
    try {
      const section = (name: string, options: string) =>
        `[plugin:rw-${name}]\nuse = circus.plugins.resource_watcher.ResourceWatcher\nwatcher = ${name}\nloop_rate = 0.2\nmax_count = 1\nhealth_threshold = 0\n${options}\n`;
      const daemon = await start(
        [
          watcher(`${hog} memory 64 ./go$(circus.wid)`, 'numprocesses = 2'),
          watcher(`sh -c '${hog} memory 64 ./child & sleep 600 & wait'`, '', 'family'),
          section('web', `max_mem = 40M\nmax_cpu = 0\nhost = 127.0.0.1\nport = ${statsd.address().port}`),
          section('family', 'max_mem = 40M\nmax_cpu = 0\nprocess_children = 1\nchild_signal = 15'),
        ].join('\n'),
      );
      const before = await pidsOf(daemon, 2);
      const [parent] = await pidsOf(daemon, 1, 'family');
      const { stdout } = await daemon.ctl('list');
      assert.match(stdout, /plugin:rw-web/);
      assert.match(stdout, /plugin:rw-family/);
      opened(daemon, 'go1');
      const { pid, reason } = await end(daemon);
      assert.match(reason, /^max_mem: it uses /);
      assert.equal((await pidsOf(daemon, 2)).filter((one) => before.includes(one) && one !== pid).length, 1);
      await eventually(() =>
        assert.deepEqual(
          new Set(counted),
          new Set(['over_memory', 'restarting'].map((what) => `circus.app._resource_watcher.web.${what}:1|c`)),
        ),
      );
      const children = childrenOf(parent!);
      assert.equal(children.length, 2);
      opened(daemon, 'child');
      await eventually(() => assert.equal(childrenOf(parent!).length, 1), { within: 20_000 });
      assert.deepEqual(await daemon.pids('family'), [parent]);
    } finally {
      statsd.close();
    }
  });
});
