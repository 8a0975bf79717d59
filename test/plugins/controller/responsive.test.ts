import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = `
[watcher:deaf]
cmd = sh -c 'trap "" TERM; echo cannot hear; while :; do sleep 600; done'
graceful_timeout = 3

[watcher:missing]
cmd = /nowhere/program
max_retry = -1

[watcher:busy]
cmd = sleep 600
numprocesses = 5
ready_after = 0

[watcher:crash]
cmd = sh -c 'exit 1'
`;

describe('the controller while much is going on', () => {
  const start = daemonPerTest();
  closeClients();

  /** Makes a watcher start, stop, reload and respawn until `over` says so; resolves with the rounds. */
  async function bustle(client: Client, over: () => boolean): Promise<number> {
    const busy = { name: 'busy', waiting: true };
    let rounds = 0;
    for (; !over(); rounds++) {
      await client.ask('stop', busy);
      await client.ask('start', busy);
      await client.ask('signal', { name: 'busy', signum: 'KILL' });
      assert.equal((await client.ask('reload', busy))['status'], 'ok');
    }
    return rounds;
  }

  it('answers status within 50 ms during a long stop, beside what can’t start and what comes and goes', async () => {
    const daemon = await start(ini);
    const client = connect(daemon);
    await eventually(async () => {
      const { statuses } = await client.ask('status');
      const { deaf, busy } = statuses as Readonly<Record<string, string>>;
      assert.deepEqual([deaf, busy], ['active', 'active']);
    });

    await eventually(() => daemon.log.includes('cannot hear'));

    let stopped = false;
    const stop = connect(daemon)
      .ask('stop', { name: 'deaf', waiting: true })
      .then(() => (stopped = true));
    await eventually(async () => assert.equal(await client.state('deaf'), 'stopping'));
    const bustling = bustle(connect(daemon), () => stopped);
    const times: number[] = [];
    while (!stopped) {
      const begun = performance.now();
      const state = await client.state('deaf');
      times.push(performance.now() - begun);
      assert.ok(state === 'stopping' || state === 'stopped', String(state));
    }
    await stop;
    assert.ok((await bustling) > 3);
    assert.ok(times.length > 100);
    // One in twenty may be late: this machine has other things to do too.
    const late = times.filter((time) => time >= 50);
    assert.ok(late.length <= times.length / 20, `of ${times.length}: ${late.join(', ')} ms`);
  });
});
