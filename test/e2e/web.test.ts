/** The example of Circus's introduction: chaussette behind a socket, redis beside it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { inRoot } from '../support/paths.js';
import { startCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/ports.js';
import { differentAnswers, sendRequests } from './load.js';
import { askRedis, isClosed, readExample } from './example.js';

describe('docs/examples/web.ini', function () {
  this.timeout(30_000);
  let daemon: Circusd;
  const ports = { web: 0, redis: 0, endpoint: 0, events: 0 };
  const pidOf = (answer: string) => Number(/^hello from process (\d+)\n$/.exec(answer)?.[1]);

  before('start it', async () => {
    for (const program of ['chaussette', 'redis-server'])
      assert.ok(existsSync(`/usr/bin/${program}`), `${program} is missing: run "npm run setup:tests"`);
    for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
    const { web, redis, endpoint, events } = ports;
    const changes = { 8020: `${web}`, 6399: `${redis}`, ':5555': `:${endpoint}`, ':5556': `:${events}` };
    daemon = await startCircusd(readExample('web.ini', changes), { ready: ({ log }) => log.includes('web started') });
    await differentAnswers(web, 1);
    await eventually(() => askRedis(redis, 'PING'));
  });
  after('stop it', async function () {
    const failed = this.test?.parent?.tests.some(({ state }) => state === 'failed');
    if (failed) console.error(daemon?.log);
    assert.equal(await daemon.stop(), 0);
    for (const port of Object.values(ports)) assert.ok(await isClosed(port), `port ${port} is still served`);
    assert.ok(!existsSync(inRoot('docs', 'examples', 'web', '__pycache__')), 'Python left compiled files');
    assert.ok(!existsSync('/tmp/dump.rdb'), 'redis left a file');
    assert.match(daemon.log, /web stopped[^]*redis stopped[^]*circusd exits/);
  });

  it('three chaussettes share one socket', async () => {
    const answers = await differentAnswers(ports.web, 3);
    assert.deepEqual([...answers].map(pidOf).sort(), (await daemon.pids('web')).sort());
  });

  it('redis runs once, and speaks its protocol', async () => {
    assert.equal((await daemon.pids('redis')).length, 1);
    assert.equal(await askRedis(ports.redis, 'PING'), '+PONG');
    assert.equal(await askRedis(ports.redis, 'SET greeting hello'), '+OK');
    assert.equal(await askRedis(ports.redis, 'GET greeting'), 'hello');
  });

  it('workers that are killed are replaced while requests go on', async () => {
    const load = sendRequests(ports.web, 50);
    await eventually(() => load.answered > 5);
    const before = await daemon.pids('web');
    for (const victim of before) {
      process.kill(victim, 'SIGKILL');
      const answered = load.answered;
      await eventually(async () => {
        const now = await daemon.pids('web');
        assert.ok(now.length === 3 && !now.includes(victim), String(now));
      });
      await eventually(() => load.answered > answered + 5);
    }
    assert.deepEqual(
      (await daemon.pids('web')).filter((pid) => before.includes(pid)),
      [],
    );
    const { refused, cut, failures } = await load.stop();
    // Each was at one request at most when it was killed: all others were taken by somebody else.
    assert.deepEqual({ refused, failures }, { refused: 0, failures: [] });
    assert.ok(cut <= before.length, `${cut} requests were cut`);
    const answers = await differentAnswers(ports.web, 3);
    assert.deepEqual([...answers].map(pidOf).sort(), (await daemon.pids('web')).sort());
  });

  it('a reload under load refuses nobody', async () => {
    const load = sendRequests(ports.web, 100);
    await eventually(() => load.answered > 10);
    const before = await daemon.pids('web');
    const { code, stderr } = await daemon.ctl('--timeout', '20', 'reload', 'web', '--waiting');
    assert.equal(code, 0, stderr);
    const after = await daemon.pids('web');
    assert.equal(after.length, 3);
    assert.deepEqual(
      after.filter((pid) => before.includes(pid)),
      [],
    );
    const answered = load.answered;
    await eventually(() => load.answered > answered + 10);
    const { answers, refused, cut, failures } = await load.stop();
    assert.deepEqual({ refused, failures }, { refused: 0, failures: [] });
    // SIGTERM ends chaussette at once, with the one request that it is at; who still waits in the socket's queue is safe.
    assert.ok(cut <= before.length, `${cut} requests were cut`);
    for (const pid of after) assert.ok(answers.has(`hello from process ${pid}\n`), `process ${pid} answered nothing`);
  });

  it('redis is a singleton: a reload stops it first, and says so', async () => {
    assert.equal(await askRedis(ports.redis, 'SET greeting gone'), '+OK');
    const [before] = await daemon.pids('redis');
    const reply = (await daemon.json('reload', 'redis', '--waiting')) as Record<string, unknown>;
    const [after] = await daemon.pids('redis');
    assert.notEqual(after, before);
    assert.deepEqual(reply['info'], { stopped: [before], started: [after], kept: [] });
    assert.match(daemon.log, /redis reloaded, each process stopped before its successor started/);
    assert.equal(await eventually(() => askRedis(ports.redis, 'GET greeting')), '$-1');
    const { code, stderr } = await daemon.ctl('set', 'redis', 'numprocesses', '2');
    assert.notEqual(code, 0);
    assert.match(stderr, /single process/);
  });

  it('a command that cannot be done is refused with a message', async () => {
    const { code, stdout, stderr } = await daemon.ctl('reload', 'nobody', '--waiting');
    assert.deepEqual([code, stdout], [3, '']);
    assert.match(stderr, /nobody/);
  });
});
