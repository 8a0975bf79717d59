import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[watcher:deaf]
cmd = sh -c 'trap "" TERM; echo cannot hear; exec sleep 600'
graceful_timeout = 600
respawn = False

[watcher:web]
cmd = sleep 600
numprocesses = 3
ready_after = 0
`;

interface Job {
  readonly id: number;
  readonly command: string;
  readonly watchers: readonly string[];
  readonly state: string;
  readonly progress: { readonly done: number; readonly total: number; readonly text?: string };
  readonly by: string;
  readonly asked: number;
  readonly ended?: number;
  readonly reason?: string;
}

describe('the jobs of the controller', () => {
  let client: Client;
  /** Ends what would take ten minutes, so that the daemon can stop. */
  const killDeaf = () => client.ask('signal', { name: 'deaf', signum: 'KILL' });
  afterEach('kill the deaf', killDeaf);
  const start = daemonPerTest();
  closeClients();
  beforeEach(async () => {
    const daemon = await start(ini);
    client = connect(daemon);
    await eventually(() => daemon.log.includes('cannot hear'));
    await eventually(async () => assert.deepEqual(await open(), []));
  });
  const list = async (properties: unknown = {}) => (await client.ask('jobs', properties))['jobs'] as readonly Job[];
  const open = () => list();
  const job = async (id: unknown) => (await client.ask('job', { id }))['job'] as Job;

  it('are what was asked for: who, what, how far', async () => {
    const { job: id } = await client.ask('stop', { name: 'deaf' });
    await eventually(async () => assert.equal((await job(id)).progress.total, 1));
    const [only, ...more] = await open();
    assert.equal(more.length, 0);
    const { asked, ...facts } = only!;
    assert.ok(Math.abs(asked - Date.now() / 1000) < 5);
    const progress = { done: 0, total: 1, text: '0 of 1 stopped' };
    assert.deepEqual(facts, { id, command: 'stop', watchers: ['deaf'], state: 'running', progress, by: 'operator' });
    assert.deepEqual(await job(id), only);
    assert.deepEqual(await list({ name: 'web' }), []);
    assert.deepEqual(await list({ name: 'DEAF' }), [only]);

    await killDeaf();
    const over = (await client.ask('wait', { id }))['job'] as Job;
    assert.deepEqual([over.state, over.progress.text], ['done', '1 of 1 stopped']);
    assert.ok(over.ended! >= asked);
    assert.deepEqual(await open(), []);
    assert.ok((await list({ all: true })).some((one) => one.id === id && one.state === 'done'));
  });

  it('count what a reload has replaced', async () => {
    const { job: id } = await client.ask('reload', { name: 'web' });
    const { job: over } = await client.ask('wait', { id });
    assert.equal((over as Job).progress.text, '3 of 3 replaced');
  });

  it('wait in their watcher’s line, and are cancelled there', async () => {
    await client.ask('stop', { name: 'deaf' });
    const { job: id } = await client.ask('start', { name: 'deaf' });
    assert.equal((await job(id)).state, 'queued');
    const waiter = client.begin('wait', { id });
    const { job: cancelled } = await client.ask('cancel', { id });
    assert.equal((cancelled as Job).state, 'cancelled');
    const { errno, reason } = await client.answer(await waiter);
    assert.deepEqual([errno, reason], [6, `job ${id} cancelled: cancelled by operator`]);
    assert.equal((await client.ask('cancel', { id }))['reason'], `job ${id} is over: it is cancelled`);
    await killDeaf();
    await eventually(async () => assert.equal((await client.ask('status', { name: 'deaf' }))['status'], 'stopped'));
  });

  it('that stop something can’t be cancelled: the process has its signal', async () => {
    const { job: id } = await client.ask('stop', { name: 'deaf' });
    const { errno, reason } = await client.ask('cancel', { id });
    const why = `job ${id} can't be cancelled: nothing of it that can be ended is under way`;
    assert.deepEqual([errno, reason, (await job(id)).state], [5, why, 'running']);
  });

  it('tell why they failed, to who waits', async () => {
    const { job: id } = await client.ask('stop', { name: 'deaf' });
    const restart = await client.begin('restart', { name: 'deaf', waiting: true });
    const queued = (await open()).find(({ command }) => command === 'restart')!;
    // A stop never waits in line: what does is cancelled by it.
    await client.ask('stop', { name: 'deaf' });
    const { errno, reason } = await client.answer(restart);
    assert.equal(errno, 6);
    assert.match(String(reason), /^restart of "deaf" was cancelled: stop by operator \(job \d+\)$/);
    assert.deepEqual([(await job(queued.id)).state, (await job(queued.id)).reason], ['failed', reason]);
    await killDeaf();
    assert.equal((await client.ask('wait', { id }))['status'], 'ok');
  });

  it('tell of what was started and is not up', async () => {
    assert.equal((await client.ask('add', { name: 'bad', cmd: '/nowhere/at/all' }))['status'], 'ok');
    const { job: id } = await client.ask('start', { name: 'bad' });
    const { status, job } = await client.ask('wait', { id });
    assert.deepEqual([status, (job as Job).state], ['ok', 'done']);
    assert.match((job as Job).reason!, /^it is retrying: could not start "\/nowhere\/at\/all"/);
  });

  it('that are not there are told from those that were', async () => {
    const refusal = async (id: unknown) => (await client.ask('job', { id }))['reason'];
    assert.equal(await refusal(999), 'job 999 not found: there was none yet');
    assert.equal(await refusal('x'), "'id' is not the number of a job");
    for (let round = 0; round < 205; round++) await client.ask('signal', { name: 'web', signum: 'CONT' });
    assert.equal(await refusal(2), 'job 2 not found: only the last 200 that are over are kept');
    assert.equal((await list({ all: true })).length, 200);
  });

  it('leave a line in the log each: by whom, what, and how it ended, without values', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\n');
    const other = connect(daemon);
    await other.ask('set', { name: 'web', options: { env: { PASSWORD: 'hunter2' }, max_retry: 3 }, waiting: true });
    await other.ask('stop', { name: 'nobody' });
    await eventually(() =>
      assert.match(daemon.log, /operator \(uid of the daemon or root\): set \\?"web\\?" \(env, max_retry\): done/),
    );
    await eventually(() => assert.match(daemon.log, /stop \\?"nobody\\?": failed: program nobody not found/));
    assert.doesNotMatch(daemon.log, /hunter2/);
  });
});
