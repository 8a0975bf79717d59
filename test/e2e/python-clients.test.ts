import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { portsAreFree } from '../support/ports.js';
import { fixture } from '../support/paths.js';
import { python } from '../support/python.js';
import { temporaryPerTest } from '../support/temporary.js';
import { circusctl, daemonPerTest, type Daemon } from '../cli/program.js';

const script = readFileSync(fixture('circus-client.py'), 'utf8');

const watchers = `
[watcher:Web]
cmd = sleep 600
copy_env = True
ready_after = 0
graceful_timeout = 5
colour = blue

[watcher:family]
cmd = sh -c 'sleep 600 & sleep 600 & wait; wait; exec sleep 600'
copy_env = True

[watcher:deaf]
cmd = sh -c 'trap "" TERM; while :; do sleep 600; done'
copy_env = True
graceful_timeout = 0.5
`;

/** What every one of Circus's clients is to be answered, wherever it connects. */
const answers = {
  globaloptions: ['endpoint', 'stats_endpoint', 'pubsub_endpoint', 'check_delay', 'multicast_endpoint'],
  list: ['deaf', 'family', 'web'],
  numbers: [{ numwatchers: 3 }, { numprocesses: 1, watcher_name: 'web' }],
  incr: { numprocesses: 2 },
  decr: { numprocesses: 1 },
  restart: [true, true, []],
  restarted: ['spawn', 'kill', 'kill', 'reap', 'stop', 'spawn', 'start'],
  reload: [1, 1, []],
  reloaded: ['spawn', 'kill', 'reload'],
  stop: { info: null },
  stopped: [['kill', 'reap', 'stop'], 'stopped'],
  start: [true, [], ['spawn', 'start']],
  set: {},
  get: { numprocesses: 2, max_retry: 7, warmup_delay: 0.5, colour: 'blue' },
  wrong: [3, "'numprocesses' isn't an integer"],
  add: {},
  added: ['stopped', []],
  rm: [{}, ['deaf', 'family', 'web'], true],
  kill: false,
  errors: [
    [2, "unknown command: 'nothing'"],
    [3, 'program ghost not found'],
    [3, "message invalid 'keys' is missing"],
    [4, '[Errno 22] Invalid argument'],
    [5, "'WEB' already exist"],
    [3, 'invalid message. use a pub/sub socket'],
  ],
  'no json': [1, 'json invalid', null],
  plugin: [null, 3],
  casts: [null, false],
  order: [true, 'ok'],
  'cut off': 6,
  quit: {},
};

describe('a client of Circus, in Python', () => {
  const folder = temporaryPerTest();
  const start = daemonPerTest();
  const place = () => ({ cwd: folder.path });

  async function check(daemon: Daemon, endpoint: string) {
    const { code, stdout, stderr } = await python(script, [endpoint], { within: 25_000 });
    assert.equal(code, 0, `${stderr}\n${daemon.output}`);
    assert.deepEqual(JSON.parse(stdout), answers);
    assert.equal(await daemon.exited, 0);
  }

  it('works on the Unix socket that the log names for it', async () => {
    folder.write('a.ini', watchers);
    const daemon = await start(place(), ['a.ini']);
    const [line, ...more] = daemon.output.split('\n').filter((one) => one.includes('--endpoint'));
    assert.deepEqual(more, []);
    const [, endpoint] = /--endpoint (ipc:\/\/[^\s,]+), .*endpoints = circus in \[circus\], or --circus-endpoints/.exec(
      line!,
    )!;
    assert.equal(endpoint, `ipc://${folder.path}/run/control.sock`);
    await check(daemon, endpoint);
  }).timeout(40_000);

  for (const [how, ini, args] of [
    ['"endpoints = circus"', '[circus]\nendpoints = circus\n', []],
    ['--circus-endpoints', '', ['--circus-endpoints']],
  ] as const) {
    it(`works on the ports of Circus with ${how}`, async () => {
      await eventually(() => portsAreFree(5555, 5556), { within: 10_000 });
      folder.write('a.ini', ini + watchers);
      const daemon = await start(place(), ['a.ini', ...args]);
      assert.doesNotMatch(daemon.output, /--endpoint/);
      const endpoint = 'tcp://127.0.0.1:5555';
      // What the command line said is no difference from the file.
      const plan = await circusctl(place(), '--endpoint', endpoint, 'plan');
      assert.match(plan.stdout, /^wrong: warning: [^\n]*"colour"[^\n]*\n$/);
      await check(daemon, endpoint);
    }).timeout(40_000);
  }
});
