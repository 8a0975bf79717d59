import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { fixture } from '../../support/paths.js';
import { daemonPerTest } from '../daemon.js';

type Fields = Readonly<Record<string, unknown>>;

const sleeper = (options: string) => `
[watcher:web]
cmd = sleep 600
numprocesses = 2
ready_after = 0
${options}
`;
const server = (options: string, program = 'hold.mjs') => `
[socket:web]
host = 127.0.0.1
port = 0

[watcher:web]
cmd = ${program.endsWith('.mjs') ? process.execPath : '/usr/bin/python3'} ${fixture(program)} $(circus.sockets.web)
use_sockets = True
copy_env = True
ready.listen = 1
${options}
`;

const pidsOf = async (daemon: Circusd) => (await daemon.pids('web')).toSorted((a, b) => a - b);
const eventsOf = async (daemon: Circusd, name: string) => {
  const { events } = (await daemon.json('events')) as { readonly events: readonly Fields[] };
  return events.filter(({ topic }) => topic === `watcher.web.${name}`);
};
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('a canary in a real daemon', () => {
  const start = daemonPerTest();

  /** Two old copies, and a reload that waits behind new ones. */
  async function waiting(options = 'reload.canary = 1') {
    const daemon = await start(sleeper(options));
    const before = await eventually(async () => {
      const pids = await pidsOf(daemon);
      assert.equal(pids.length, 2);
      return pids;
    });
    const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
    const [{ pids: copies }] = await eventually(async () => {
      const all = await eventsOf(daemon, 'canary');
      assert.equal(all.length, 1);
      return all as unknown as [{ readonly pids: readonly number[] }];
    });
    return { daemon, before, job, copies };
  }

  it('serves beside all old copies, as status, explain and job tell', async () => {
    const { daemon, before, job, copies } = await waiting();
    const words = 'canary: 1 new copy serves; continue with "circusctl reload web --continue", go back with --abort';
    assert.deepEqual(
      await pidsOf(daemon),
      [...before, ...copies].toSorted((a, b) => a - b),
    );
    assert.ok((await daemon.ctl('status', 'web')).stdout.includes(`active (reload: 0 of 2 replaced; ${words})`));
    assert.ok((await daemon.ctl('explain', 'web')).stdout.includes(`: 0 of 2 processes are done; ${words}.`));
    assert.ok((await daemon.ctl('job', String(job))).stdout.includes(`progress: 0 of 2 replaced; ${words}`));
    await daemon.ctl('reload', 'web', '--abort');
  });

  it('goes on at a word', async () => {
    const { daemon, before, job, copies } = await waiting();
    const { code, stdout } = await daemon.ctl('reload', 'web', '--continue', '--waiting');
    assert.deepEqual([code, stdout], [0, 'ok\n']);
    const after = await pidsOf(daemon);
    assert.ok(after.length === 2 && after.includes(copies[0]!) && after.every((pid) => !before.includes(pid)));
    assert.match((await daemon.ctl('job', String(job))).stdout, /state: done/);
    assert.equal((await daemon.ctl('status', 'web')).stdout, 'active\n');
  });

  it('goes on after its time', async () => {
    const { daemon, before, job } = await waiting('reload.canary = 1\nreload.canary_time = 0.5');
    await daemon.json('wait', String(job));
    assert.ok((await pidsOf(daemon)).every((pid) => !before.includes(pid)));
  });

  it('can be several copies, and is taken back at a word or with its job', async () => {
    for (const how of ['abort', 'cancel']) {
      const { daemon, before, job, copies } = await waiting('reload.canary = 1\nreload.canary_share = 100%');
      assert.equal(copies.length, 2);
      const words = how === 'abort' ? ['reload', 'web', '--abort'] : ['cancel', String(job)];
      assert.equal((await daemon.ctl(...words)).code, 0);
      await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
      assert.match((await daemon.ctl('job', String(job))).stdout, /state: (failed|cancelled)/);
      assert.equal((await eventsOf(daemon, 'reload_aborted')).length, 1);
      assert.ok(!(await eventsOf(daemon, 'kill')).some(({ process_pid: pid }) => before.includes(pid as number)));
    }
  });

  it('that dies ends the reload, and the old copies serve on', async () => {
    const { daemon, before, job, copies } = await waiting();
    process.kill(copies[0]!, 'SIGKILL');
    const { stderr } = await daemon.ctl('wait', String(job));
    assert.match(stderr, /did not become ready: it was killed by SIGKILL/);
    await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
  });

  it('bears a kill -9 of an old copy, more copies and fewer', async () => {
    const { daemon, before, copies } = await waiting();
    process.kill(before[0]!, 'SIGKILL');
    await eventually(async () => assert.ok(!(await pidsOf(daemon)).includes(before[0]!)));
    await daemon.ctl('incr', 'web', '2', '--waiting');
    assert.equal((await pidsOf(daemon)).length, 4);
    await daemon.ctl('decr', 'web', '1', '--waiting');
    await daemon.ctl('reload', 'web', '--continue', '--waiting');
    await eventually(async () => {
      const pids = await pidsOf(daemon);
      assert.equal(pids.length, 3);
      assert.ok(copies.every((pid) => pids.includes(pid)) || pids.length === 3);
    });
    assert.equal(((await daemon.json('numprocesses', 'web')) as Fields)['numprocesses'], 3);
  });

  it('ends with a stop', async () => {
    const { daemon } = await waiting();
    assert.equal((await daemon.ctl('stop', 'web', '--waiting')).code, 0);
    assert.deepEqual(await pidsOf(daemon), []);
  });

  it('holds a changed configuration, which is left as it was when it is taken back', async () => {
    const daemon = await start(sleeper('reload.canary = 1'));
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 2));
    const before = await pidsOf(daemon);
    await daemon.json('set', 'web', 'env', 'A=1');
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 3));
    await daemon.ctl('reload', 'web', '--abort');
    await eventually(async () => assert.deepEqual(await pidsOf(daemon), before));
    await eventually(async () => assert.equal((await daemon.ctl('get', 'web', 'env')).stdout.trim(), 'env:'));
  });

  it('is refused where nobody waits, or none is named', async () => {
    const daemon = await start(sleeper('reload.batch = 1'));
    const said = async (...words: string[]) => (await daemon.ctl('reload', ...words)).stderr.trim();
    assert.equal(await said('web', '--continue'), 'error: no reload of "web" is under way');
    assert.equal(await said('web', '--abort'), 'error: no reload of "web" is under way');
    assert.match(await said('--abort'), /^error: a watcher and one of --continue and --abort are needed$/);
    assert.match(await said('web', '--abort', '--continue'), /^error: a watcher and one of/);
  });
});

describe('batches in a real daemon', () => {
  const start = daemonPerTest();

  it('are as large as is set at run time, with pauses between', async () => {
    const daemon = await start(sleeper('numprocesses = 4').replace('numprocesses = 2\n', ''));
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 4));
    const before = await pidsOf(daemon);
    await daemon.json('set', 'web', 'reload.batch', '3', 'reload.pause', '600', '--waiting');
    assert.deepEqual(await pidsOf(daemon), before);
    const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
    await eventually(async () => {
      const { stdout } = await daemon.ctl('status', 'web');
      assert.match(stdout, /\(reload: 3 of 4 replaced; a pause of 10 min before the next\)/);
    });
    assert.equal((await pidsOf(daemon)).filter((pid) => before.includes(pid)).length, 1);
    await daemon.ctl('cancel', String(job));
    assert.equal((await pidsOf(daemon)).length, 4);
  });

  it('are refused at run time where they are wrong, also beside what is there', async () => {
    const daemon = await start(sleeper('reload.batch = 1'));
    const said = async (...words: string[]) => (await daemon.ctl('set', 'web', ...words)).stderr;
    assert.match(await said('reload.batch', '0'), /"reload.batch" has a wrong value: it is at least 1/);
    assert.match(await said('reload.bach', '1'), /"reload.bach" is no option \(did you mean "reload.batch"\?\)/);
    assert.match(await said('reload.canary', '1', 'reload.canary_share', '3'), /"numprocesses" is only 2/);
    assert.equal(await said('reload.canary', '1', 'reload.canary_share', '2'), '');
    await daemon.ctl('decr', 'web', '--waiting');
    assert.equal(await said('warmup_delay', '1'), '');
  });

  it('that fail tell the last lines of the new copy', async () => {
    const daemon = await start(
      sleeper('reload.batch = 2\nready.log = listens')
        .replace('sleep 600\n', '/bin/sh run.sh\n')
        .replace('ready_after = 0\n', '') + 'working_dir = .\n',
      {
        files: { 'run.sh': 'echo listens; exec sleep 600\n' },
      },
    );
    await eventually(async () => assert.equal((await pidsOf(daemon)).length, 2));
    const before = await pidsOf(daemon);
    daemon.folder.write('run.sh', 'echo "no table \\"users\\"" >&2; echo giving up; exit 4\n');
    const { code, stderr } = await daemon.ctl('reload', 'web', '--waiting');
    assert.notEqual(code, 0);
    const reason =
      /it exited with code 4; it wrote last: (no table "users" \/ giving up|giving up \/ no table "users")/;
    assert.match(stderr, reason);
    assert.match(String((await eventsOf(daemon, 'reload_aborted'))[0]?.['reason']), reason);
    assert.deepEqual(await pidsOf(daemon), before);
  });
});

describe('a drain in a real daemon', () => {
  const start = daemonPerTest();
  const clients: Socket[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });

  const portOf = async (daemon: Circusd) => {
    const { sockets } = (await daemon.json('listsockets')) as {
      readonly sockets: readonly { readonly port: number }[];
    };
    return sockets[0]!.port;
  };
  /** Connects, and resolves with the pid of who accepted. */
  async function client(daemon: Circusd) {
    const socket = connect(await portOf(daemon), '127.0.0.1').setEncoding('utf8');
    clients.push(socket);
    socket.on('error', () => undefined);
    const [text] = (await once(socket, 'data')) as [string];
    return { socket, pid: Number(text), closed: once(socket, 'close') };
  }
  const explained = async (daemon: Circusd) => (await daemon.ctl('explain', 'web')).stdout;

  for (const [how, drain] of [
    ['a signal', 'USR2'],
    [
      'a command',
      `exec:/bin/sh -c 'echo "$CIRCUS_HOOK $CIRCUS_WATCHER $CIRCUS_WID $CIRCUS_PID" > told; kill -USR2 $CIRCUS_PID'`,
    ],
  ] as const)
    it(`by ${how} waits for the clients of the old copy, while the new one accepts`, async () => {
      const daemon = await start(server(`reload.drain = ${drain}\nworking_dir = .`));
      const first = await client(daemon);
      const { job } = (await daemon.json('reload', 'web')) as { readonly job: number };
      await eventually(async () => {
        assert.match(await explained(daemon), /It leaves its clients to another: 1 connection is still open\./);
        const { sockets } = (await daemon.json('listsockets')) as { readonly sockets: unknown };
        assert.ok(sockets);
      });
      const second = await client(daemon);
      assert.ok(second.pid !== first.pid && lives(first.pid));
      assert.deepEqual((await eventsOf(daemon, 'kill')).length, 0);
      if (how === 'a command')
        assert.equal(readFileSync(`${daemon.folder.path}/told`, 'utf8'), `drain web 1 ${first.pid}\n`);
      first.socket.end();
      await daemon.json('wait', String(job));
      assert.ok(!lives(first.pid) && lives(second.pid));
      assert.doesNotMatch(await explained(daemon), /still open/);
    });

  it('ends with graceful_timeout, and then the old copy is stopped', async () => {
    const daemon = await start(server('reload.drain = USR2\ngraceful_timeout = 1'));
    const first = await client(daemon);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    await first.closed;
    assert.ok(!lives(first.pid));
    assert.match(await explained(daemon), /The last process that was replaced ended with 1 connection still open/);
  });

  it('is that of every replacement, as of max_age', async () => {
    const daemon = await start(server('reload.drain = USR2\nmax_age = 1\nmax_age_variance = 0'));
    const first = await client(daemon);
    await eventually(async () => assert.match(await explained(daemon), /It leaves its clients to another/));
    first.socket.end();
    await eventually(() => assert.ok(!lives(first.pid)));
  });

  it('whose command fails is told, and the old copy is stopped all the same', async () => {
    const daemon = await start(server(`reload.drain = exec:/bin/sh -c 'echo no way >&2; exit 3'`));
    const { pid } = await client(daemon);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(
      daemon.log,
      new RegExp(`process ${pid} is stopped without reload.drain, which exited with code 3: no way`),
    );
  });

  it('is not one of a stop', async () => {
    const daemon = await start(server('reload.drain = USR2'));
    const { pid } = await client(daemon);
    assert.equal((await daemon.ctl('stop', 'web', '--waiting')).code, 0);
    assert.ok(!lives(pid));
  });

  it('that a program does not make is told by explain, with the guide', async () => {
    const daemon = await start(server(''));
    await Promise.all([client(daemon), client(daemon)]);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(
      await explained(daemon),
      /The last process that was replaced ended with 2 connections still open: at its stop signal it does not drain.*docs\/guides\/zero-downtime\.md/,
    );
    const { undrained } = (await daemon.json('explain', 'web')) as Fields;
    assert.deepEqual(undrained, { processes: 1, of: 1, connections: 2 });
  });

  it('is told as not made, too, where the program ends by itself', async () => {
    const daemon = await start(server('').replace('hold.mjs $', 'hold.mjs --exit $'));
    await Promise.all([client(daemon), client(daemon), client(daemon)]);
    assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    assert.match(await explained(daemon), /replaced ended with 3 connections still open/);
  });

  it('that a program makes itself is not complained about', async () => {
    const daemon = await start(server('numprocesses = 2', 'finish-requests.py'));
    const port = await portOf(daemon);
    let over = false;
    const ask = async () => {
      while (!over) {
        const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
        assert.match(text, /^\d+$/);
      }
    };
    const asking = [ask(), ask()];
    for (let round = 0; round < 3; round++) assert.equal((await daemon.ctl('reload', 'web', '--waiting')).code, 0);
    over = true;
    await Promise.all(asking);
    assert.doesNotMatch(await explained(daemon), /still open/);
  });
});
