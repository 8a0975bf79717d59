/** The first example: what the README promises of it. */
import assert from 'node:assert/strict';
import { startCircusd, type Circusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/ports.js';
import { differentAnswers, sendRequests } from './load.js';
import { isClosed, readExample } from './example.js';

describe('docs/examples/hello.ini', function () {
  this.timeout(30_000);
  let daemon: Circusd;
  let port: number;

  before('start it', async () => {
    port = await freePort();
    const text = readExample('hello.ini', { 8010: String(port), 'retry_in = 5': 'retry_in = 1' });
    daemon = await startCircusd(text, { ready: ({ log }) => log.includes('web started') });
  });
  after('stop it', async function () {
    const failed = this.test?.parent?.tests.some(({ state }) => state === 'failed');
    if (failed) console.error(daemon?.log);
    assert.equal(await daemon.stop(), 0);
    assert.ok(await isClosed(port), `port ${port} is still served`);
  });

  it('three workers share one socket', async () => {
    const answers = await differentAnswers(port, 3);
    const numbers = [...answers].map((text) => /^hello from worker (\d), process (\d+)\n$/.exec(text)!);
    assert.deepEqual(numbers.map(([, wid]) => Number(wid)).sort(), [1, 2, 3]);
    assert.deepEqual(numbers.map(([, , pid]) => Number(pid)).sort(), (await daemon.pids('web')).sort());
  });

  it('the moody one is made to wait, and tried again', async () => {
    await eventually(async () => {
      const { state, reason } = (await daemon.json('status', 'moody')) as { state: string; reason: string };
      assert.equal(state, 'retrying');
      assert.match(reason, /\S/);
    });
    const attempts = () =>
      daemon.log.match(/moody: flapping detected: retry in 1s \(attempt number \d\)/g)?.length ?? 0;
    const before = attempts();
    assert.ok(before > 0, daemon.log);
    const days = () => daemon.log.match(/this was not my day/g)?.length ?? 0;
    const lived = days();
    await eventually(() => days() > lived && attempts() > before);
  });

  it('incr and decr change the number of workers', async () => {
    const before = await daemon.pids('web');
    assert.equal(((await daemon.json('incr', 'web', '2', '--waiting')) as { numprocesses: number }).numprocesses, 5);
    await eventually(async () => assert.equal((await daemon.pids('web')).length, 5));
    assert.deepEqual((await daemon.pids('web')).filter((pid) => before.includes(pid)).length, 3);
    assert.equal(((await daemon.json('decr', 'web', '2', '--waiting')) as { numprocesses: number }).numprocesses, 3);
    await eventually(async () => assert.equal((await daemon.pids('web')).length, 3));
  });

  it('three reloads under 200 requests per second lose none', async () => {
    const load = sendRequests(port, 200);
    await eventually(() => load.answered > 20);
    for (let round = 0; round < 3; round++) {
      const before = await daemon.pids('web');
      const { code, stderr } = await daemon.ctl('--timeout', '20', 'reload', 'web', '--waiting');
      assert.equal(code, 0, stderr);
      const after = await daemon.pids('web');
      assert.equal(after.length, 3);
      assert.deepEqual(
        after.filter((pid) => before.includes(pid)),
        [],
      );
    }
    const answered = load.answered;
    await eventually(() => load.answered > answered + 20);
    const { sent, answers, refused, cut, failures } = await load.stop();
    assert.deepEqual({ refused, cut, failures }, { refused: 0, cut: 0, failures: [] });
    assert.equal(
      [...answers.values()].reduce((sum, count) => sum + count, 0),
      sent,
    );
    assert.ok(answers.size >= 12, `${answers.size} workers answered`);
  });

  it('a worker that is killed is replaced', async () => {
    const [victim] = await daemon.pids('web');
    process.kill(victim!, 'SIGKILL');
    await eventually(async () => {
      const now = await daemon.pids('web');
      assert.ok(now.length === 3 && !now.includes(victim!), String(now));
    });
    await differentAnswers(port, 3);
  });

  // At the end, as it ticks every five seconds.
  it('the ticker runs', async () => {
    const { status, state } = (await daemon.json('status', 'ticker')) as { status: string; state: string };
    assert.deepEqual([status, state], ['active', 'active']);
    await eventually(() => daemon.log.includes('tick 1'), { within: 10_000 });
  });
});
