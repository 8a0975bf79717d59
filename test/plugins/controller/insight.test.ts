import assert from 'node:assert/strict';
import { inWords } from '#plugins/controller/explain.js';
import { eventually } from '../../support/eventually.js';
import type { Reply } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = `
[watcher:Web]
cmd = sleep 600
numprocesses = 2

[watcher:deaf]
cmd = sh -c 'trap "" TERM; echo cannot hear; while :; do sleep 600; done'
graceful_timeout = 1
autostart = False

[watcher:crash]
cmd = sh -c 'exit 3'
autostart = False

[watcher:missing]
cmd = /nowhere/program
autostart = False
max_retry = 1

[watcher:once]
cmd = true
respawn = False
`;
const web = { name: 'web' };

describe('the commands that explain', () => {
  const session = sessionPerTest(ini, async ({ ask }) => (await ask('numprocesses', web))['numprocesses'] === 2);
  const { ask, done, ends, pids, refusal } = session;
  const text = async (properties: object) => String((await ask('explain', properties))['text']);

  describe('explain', () => {
    it('tells what runs, and each process with the one before it', async () => {
      const [first] = await pids('web');
      process.kill(first!, 'SIGKILL');
      await eventually(async () => assert.equal((await ends('web')).length, 1));
      await eventually(async () => assert.equal((await pids('web')).length, 2));
      const reply = await ask('explain', web);
      const { name, state, wanted, numprocesses, running, ready, operations, retries } = reply;
      assert.deepEqual(
        { name, state, wanted, numprocesses, running, ready, operations, retries },
        {
          name: 'Web',
          state: 'active',
          wanted: 'up',
          numprocesses: 2,
          running: 2,
          ready: 2,
          operations: [],
          retries: [],
        },
      );
      const processes = reply['processes'] as readonly Record<string, unknown>[];
      const second = processes.find(({ wid }) => wid === 2)!;
      const { since, started, chain, command, ...rest } = processes.find(({ wid }) => wid === 1)!;
      assert.ok(Number(since) >= Number(started));
      const last_exit = (await ends('web'))[0];
      const [pid] = (await pids('web')).filter((one) => one !== second['pid']);
      assert.deepEqual(rest, { pid, wid: 1, state: 'ready', restarts: 1, last_exit, notes: [] });
      assert.deepEqual([chain, reply['would_run']], [[], null]);
      assert.match(String(command), /^\/(usr\/)?bin\/sleep 600$/);
      assert.deepEqual([second['restarts'], second['last_exit']], [0, null]);
      const lines = (await text(web)).split('\n');
      assert.match(lines[0]!, /^Web has been active for \d+\.\d s\.$/);
      assert.equal(lines[1], '2 of 2 processes run, 2 of them ready.');
      assert.ok(
        lines.some((line) =>
          /^Process \d+ \(place 1\) has been ready for \d\.\d s; one ended before it: the last one crashed with SIGKILL \d\.\d s ago\.$/.test(
            line,
          ),
        ),
      );
      const [line, stop, end] = lines.slice(-3);
      assert.deepEqual([line, end], [`Command line: ${String(command)}`, 'A process that ends is replaced.']);
      assert.match(stop!, /^A stop sends SIGTERM, SIGKILL after 30 s; /);
    });

    it('tells of one process only', async () => {
      const [, pid] = await pids('web');
      const { processes } = await ask('explain', { ...web, pid });
      assert.deepEqual(
        (processes as { pid: number }[]).map((process) => process.pid),
        [pid],
      );
    });

    it('tells when the next try is, and why', async () => {
      await done('start', { name: 'crash' });
      await eventually(async () => {
        const { state, retries, running } = await ask('explain', { name: 'crash' });
        assert.deepEqual([state, running, (retries as unknown[]).length], ['retrying', 0, 1]);
        const [{ wid, in: pause, at, reason }] = retries as [Record<string, unknown>];
        assert.equal(wid, 1);
        assert.ok(Number(pause) <= 1 && Number(at) > Date.now() / 1000 - 1);
        assert.match(String(reason), /exited with code 3/);
      });
      await eventually(async () =>
        assert.match(
          await text({ name: 'crash' }),
          /\nPlace 1 is tried again in 0\.\d s: process \d+ exited with code 3/,
        ),
      );
    });

    it('tells what is being done, how far it is, and who asked', async () => {
      await done('start', { name: 'deaf' });
      await eventually(() => session.daemon.log.includes('cannot hear'));
      await ask('stop', { name: 'deaf' });
      await ask('start', { name: 'deaf' });
      const { operations } = await ask('explain', { name: 'deaf' });
      const facts = (operations as Record<string, unknown>[]).map(({ id: _, by, ...rest }) => {
        assert.match(String(by), /^operator \(job \d+\)$/);
        return rest;
      });
      assert.deepEqual(facts, [
        { kind: 'stop', state: 'running', done: 0, total: 1 },
        { kind: 'start', state: 'queued', done: 0, total: 0 },
      ]);
      const words = await text({ name: 'deaf' });
      assert.match(words, /\nA stop, asked for by operator \(job \d+\), is under way: 0 of 1 processes are done\./);
      assert.match(words, /\nWhat has not ended 1\.0 s after its signal is killed\.$/);
      assert.match(words, /\nA start, asked for by operator \(job \d+\), waits for its turn\./);
    });

    it('tells why nothing happens', async () => {
      await done('start', { name: 'missing' });
      const cause = 'could not start "/nowhere/program": No such file or directory';
      const given = await text({ name: 'missing' });
      assert.match(given, new RegExp(`^missing has given up for \\d\\.\\d s: ${cause}\\.\n`));
      assert.match(
        given,
        /\nNo process of it runs, of 1\.\nA stop sends SIGTERM, SIGKILL after 30 s; its descendants are found .* \(subreaper\)\.\nNothing happens until it is started again\.\nA start would run: \/nowhere\/program$/,
      );
      await done('stop', web);
      assert.match(
        await text(web),
        /^Web has been stopped for .*: stopped by operator \(job \d+\)\.\n[^]*stopped by operator \(job \d+\) \d\.\d s ago\.\nA stop sends .*\nNothing happens until it is started\.\nA start would run: .*\/sleep 600$/,
      );
      assert.match(await text({ name: 'once' }), /^once has been completed for/);
    });
  });

  it('names the nearest watcher or process, or what became of it', async () => {
    for (const command of ['explain', 'history'])
      assert.deepEqual(await refusal(command, { name: 'wep' }), [3, 'program wep not found', 'did you mean "Web"?']);
    assert.deepEqual(await refusal('events', { watcher: 'qqqqqqq' }), [3, 'program qqqqqqq not found']);
    const [pid] = await pids('web');
    const wrong = Number(`${pid}9`);
    const near = `process ${wrong} not found in 'Web' (did you mean "`;
    assert.ok(String((await refusal('explain', { ...web, pid: wrong }))[1]).startsWith(near));
    process.kill(pid!, 'SIGKILL');
    await eventually(async () => assert.equal((await ends('web')).length, 1));
    const gone = `process ${pid} not found in 'Web': it ended, crashed with SIGKILL`;
    assert.deepEqual(await refusal('explain', { ...web, pid }), [3, gone]);
    assert.deepEqual(await refusal('explain', { ...web, pid: 'x' }), [5, "'pid' is not a process id"]);
  });

  it('refuses numbers that are none', async () => {
    assert.deepEqual(await refusal('events', { since: -1 }), [5, "'since' is below 0"]);
    assert.deepEqual(await refusal('events', { since: 'x' }), [5, "'since' is not a whole number"]);
    assert.deepEqual(await refusal('events', { limit: 10_001 }), [5, "'limit' is above 1000"]);
  });

  it('is told by circusctl, for people and as JSON', async () => {
    await done('restart', web);
    const { stdout: lines } = await session.daemon.ctl('events', '--watcher', 'web', '--since', '1', '--limit', '2');
    assert.match(
      lines,
      /^(\d+ \d{4}-\d\d-\d\dT[\d:.]+Z watcher\.web\.\w+( process_pid=\d+)?\n){2}there are more: --since \d+\n$/,
    );
    const { events, next } = (await session.daemon.json('events', '--since', '2', '--limit', '1')) as Reply;
    assert.deepEqual([(events as { seq: number }[])[0]!.seq, next], [3, 3]);
    const { stdout: table } = await session.daemon.ctl('history', 'web');
    assert.match(
      table,
      /^TIME +PID +PLACE +LIVED +EXIT +REASON\n(\S+Z +\d+ +\d +\d+\.\d s +SIGTERM +stopped by operator \(job \d+\)\n){2}$/,
    );
    assert.match((await session.daemon.ctl('explain', 'web')).stdout, /^Web has been active for/);
    const { code, stderr } = await session.daemon.ctl('explain', 'wep');
    assert.deepEqual([code, stderr], [3, 'error: program wep not found (did you mean "Web"?)\n']);
  });
});

describe('times in words', () => {
  it('are as precise as a person wants them', () => {
    assert.deepEqual([-1, 0.44, 9.9, 42.4, 119, 121, 7300, 400_000].map(inWords), [
      ...['0.0 s', '0.4 s', '9.9 s', '42 s', '119 s', '2 min', '2 h', '5 d'],
    ]);
  });
});
