import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import type { Reply } from '../client.js';
import { sessionPerTest } from './session.js';

const ini = `
[watcher:web-1]
cmd = sleep 600
ready_after = 0
numprocesses = 2
graceful_timeout = 5

[watcher:web-2]
cmd = sleep 600
ready_after = 0
graceful_timeout = 5

[watcher:idle]
cmd = sleep 600
ready_after = 0
autostart = False
graceful_timeout = 5

[watcher:family]
cmd = sh -c 'sleep 600 & sleep 601 & wait'
graceful_timeout = 5
`;

const ok = { status: 'ok' };
const childrenOf = (pid: number) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

describe('the commands that act', () => {
  const session = sessionPerTest(ini, async ({ ask, client }) => {
    assert.equal((await ask('numprocesses'))['numprocesses'], 4);
    assert.equal(await client.state('web-1'), 'active');
  });
  const { bare: ask, refusal, pids } = session;
  const states = async () => (await ask('status'))['statuses'] as Readonly<Record<string, string>>;

  it('start, stop and restart of one tell its pids, with waiting', async () => {
    const [one, two] = await pids('web-1');
    const kept = await ask('start', { name: 'web-1', waiting: true });
    assert.deepEqual(kept, { ...ok, info: { started: [], kept: [one, two] } });
    const { info } = await ask('restart', { name: 'WEB-1', waiting: true });
    const after = await pids('web-1');
    assert.deepEqual(info, { stopped: [one, two], started: after, kept: [] });
    assert.deepEqual(await ask('stop', { name: 'web-1', waiting: true }), { ...ok, info: null });
    assert.equal((await states())['web-1'], 'stopped');
    assert.deepEqual(await ask('stop', { name: 'web-1', waiting: true }), { ...ok, info: null });
  });

  it('answer at once without waiting, and then do it', async () => {
    assert.deepEqual(await ask('stop', { name: 'web-1' }), ok);
    await eventually(async () => (await states())['web-1'] === 'stopped');
    assert.deepEqual(await ask('start', { name: 'web-1' }), ok);
    await eventually(async () => (await states())['web-1'] === 'active');
  });

  it('take patterns; of several, only those that start with the daemon are started', async () => {
    assert.deepEqual(await ask('stop', { name: 'web-*', waiting: true }), ok);
    assert.deepEqual(await states(), { 'web-1': 'stopped', 'web-2': 'stopped', idle: 'stopped', family: 'active' });
    assert.deepEqual(await ask('start', { name: 'web|idle', match: 'regex', waiting: true }), ok);
    assert.deepEqual(await states(), { 'web-1': 'active', 'web-2': 'active', idle: 'stopped', family: 'active' });
    const { info } = await ask('start', { name: 'i*', waiting: true });
    assert.deepEqual(info, { started: await pids('idle'), kept: [] });
    assert.deepEqual(await refusal('stop', { name: 'web', match: 'simple' }), [3, 'program web not found']);
    assert.deepEqual(await refusal('stop', { name: 'web', match: 'x' }), [3, 'unknown match method x']);
  });

  it('without a name mean all', async () => {
    assert.deepEqual(await ask('stop', { waiting: true }), ok);
    assert.deepEqual(new Set(Object.values(await states())), new Set(['stopped']));
    assert.deepEqual(await ask('start', { waiting: true }), ok);
    assert.equal((await states())['idle'], 'stopped');
    assert.deepEqual(await ask('restart', { waiting: true }), ok);
    assert.equal((await ask('numprocesses'))['numprocesses'], 4);
  });

  it('reload: new pids one by one, all at once with terminate, all watchers without a name', async () => {
    const before = await pids('web-1');
    const { info } = await ask('reload', { name: 'web-1', waiting: true });
    const middle = await pids('web-1');
    assert.deepEqual(info, { stopped: before, started: middle, kept: [] });
    const again = await ask('reload', { name: 'web-1', graceful: false, waiting: true });
    assert.deepEqual((again['info'] as Reply)['stopped'], middle);
    const inTurn = await ask('reload', { name: 'web-2', sequential: true, waiting: true });
    assert.equal(((inTurn['info'] as Reply)['started'] as unknown[]).length, 1);
    assert.deepEqual(await ask('reload', { waiting: true }), ok);
    assert.deepEqual(await refusal('reload', { name: 'web' }), [3, 'program web not found']);
    assert.deepEqual(await refusal('reload', { name: 'x-*' }), [3, 'program x-* not found']);
  });

  it('incr and decr tell the new number, with waiting', async () => {
    assert.deepEqual(await ask('incr', { name: 'web-2', waiting: true }), { ...ok, numprocesses: 2 });
    const [oldest] = await pids('web-2');
    assert.deepEqual(await ask('incr', { name: 'web-2', nb: 2, waiting: true }), { ...ok, numprocesses: 4 });
    assert.deepEqual(await ask('decr', { name: 'web-2', waiting: true }), { ...ok, numprocesses: 3 });
    assert.ok(!(await pids('web-2')).includes(oldest!));
    assert.deepEqual(await ask('incr', { name: 'web-2', nb: -1, waiting: true }), { ...ok, numprocesses: 2 });
    assert.deepEqual(await ask('decr', { name: 'web-2', nb: 9, waiting: true }), { ...ok, numprocesses: 0 });
    assert.deepEqual(await ask('incr', { name: 'web-2' }), ok);
    await eventually(async () => (await pids('web-2')).length === 1);
    assert.deepEqual(await refusal('incr', { name: 'web-2', nb: 'x', waiting: true }), [
      6,
      "'nb' is not a whole number",
    ]);
    for (const [command, nb] of [
      ['incr', 1e308],
      ['decr', -100_000],
    ] as const)
      assert.deepEqual(await refusal(command, { name: 'web-2', nb, waiting: true }), [
        6,
        "'numprocesses' would be more than 100000",
      ]);
  });

  it('kill: processes are stopped and replaced, all or one', async () => {
    const [one, two] = await pids('web-1');
    assert.deepEqual(await ask('kill', { name: 'web-1', pid: String(one), waiting: true }), ok);
    await eventually(async () => {
      const now = await pids('web-1');
      assert.ok(now.length === 2 && !now.includes(one!) && now.includes(two!));
    });
    assert.deepEqual(await ask('kill', { name: 'web-1', signum: 'kill', graceful_timeout: 0.1, waiting: true }), ok);
    await eventually(async () => assert.equal((await pids('web-1')).filter((pid) => pid !== two).length, 2));
    assert.deepEqual(await ask('kill', { name: 'web-1', pid: 1, waiting: true }), ok);
    assert.deepEqual(await refusal('kill', { name: 'nobody', waiting: true }), [6, 'server error']);
    assert.deepEqual(await ask('kill', { name: 'nobody' }), ok);
    assert.deepEqual(await refusal('kill', { name: 'web-1', pid: 'x' }), [5, "'pid' is not a process id"]);
  });

  it('signal: the process, its children, or all below it', async () => {
    const [parent] = await pids('family');
    await eventually(() => childrenOf(parent!).length === 2);
    const [child, other] = childrenOf(parent!);
    assert.deepEqual(await ask('signal', { name: 'family', signum: 0 }), ok);
    assert.deepEqual(await ask('signal', { name: 'family', pid: parent, childpid: child, signum: 'SIGKILL' }), ok);
    await eventually(() => assert.deepEqual(childrenOf(parent!), [other]));
    assert.deepEqual(await ask('signal', { name: 'family', children: true, signum: '9' }), ok);
    await eventually(async () => !(await pids('family')).includes(parent!));
    await eventually(async () => (await pids('family')).length === 1);

    const name = 'family';
    assert.deepEqual(await ask('signal', { name, pid: 1, signum: 'term' }), ok);
    assert.deepEqual(await refusal('signal', { name, pid: 1, children: true, signum: 9 }), [
      5,
      "process 1 not found in 'family'",
    ]);
    const without = await refusal('signal', { name, childpid: 5, signum: 9 });
    assert.deepEqual(without, [5, 'cannot specify childpid without pid']);
    assert.equal((await ask('signal', { name, signum: 'NOPE' }))['errno'], 5);
    assert.deepEqual(await refusal('signal', { name, signum: '!' }), [3, 'signal invalid']);
    assert.deepEqual(await refusal('signal', { name, signum: 99 }), [4, '[Errno 22] Invalid argument']);
  });

  it('signal: recursive, the process and all that descends from it', async () => {
    const cmd = `sh -c 'trap "echo one" USR1; sh -c "trap \\"echo two\\" USR1; echo is there; while :; do sleep 0.1; done"& while :; do wait; done'`;
    await ask('add', { name: 'deep', cmd, options: { copy_env: true }, start: true, waiting: true });
    await eventually(() => session.daemon.log.includes('is there'));
    assert.deepEqual(await ask('signal', { name: 'deep', signum: 'usr1', recursive: true }), ok);
    await eventually(() => assert.match(session.daemon.log, /one\n[^]*two\n|two\n[^]*one\n/));
  });

  it('quit: answers when all is stopped, and before the endpoint goes', async () => {
    assert.deepEqual(await ask('quit', { waiting: true }), ok);
    assert.equal(await session.daemon.exited, 0);
    await session.daemon.stop();
  });

  it('quit: answers at once without waiting', async () => {
    assert.deepEqual(await ask('quit'), ok);
    assert.equal(await session.daemon.exited, 0);
    await session.daemon.stop();
  });

  it('quit: everybody who waits hears the end', async () => {
    // It takes a moment, so that both have asked before it is over.
    const cmd = `sh -c 'trap "" TERM; echo cannot hear; while :; do sleep 600; done'`;
    await ask('add', { name: 'deaf', cmd, options: { graceful_timeout: 0.5, copy_env: true }, start: true });
    await eventually(() => session.daemon.log.includes('cannot hear'));
    const [one, two] = [
      await session.client.begin('quit', { waiting: true }),
      await session.client.begin('quit', { waiting: true }),
    ];
    assert.equal((await session.client.answer(two))['status'], 'ok');
    assert.equal((await session.client.answer(one))['status'], 'ok');
    assert.equal(await session.daemon.exited, 0);
    await session.daemon.stop();
  });
});
