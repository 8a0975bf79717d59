import assert from 'node:assert/strict';
import { endInWords } from '#plugins/controller/explain.js';
import { eventually } from '../../support/eventually.js';
import { sessionPerTest } from './session.js';

const plugin = `
export default {
  name: 'reaper',
  apply({ by, arbiter, hooks }) {
    hooks.started.tap('reaper', () => {
      const watcher = arbiter.find('old');
      void watcher.kill(watcher.processes, { by: by + ': too old' });
    });
  },
};
`;
const ini = `
[plugin:reaper]
use = ./reaper.mjs

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

[watcher:once]
cmd = true
respawn = False

[watcher:old]
cmd = sleep 600
`;
const web = { name: 'web' };

describe('the history', () => {
  const session = sessionPerTest(ini, async ({ ask }) => (await ask('numprocesses', web))['numprocesses'] === 2, {
    files: { 'reaper.mjs': plugin },
  });
  const { ask, done, ends, pids } = session;
  const endings = async (name: string) => (await ends(name)).map((end) => endInWords(end).replace(/ \(job \d+\)$/, ''));

  it('has the facts of each end, and survives stop and start', async () => {
    assert.deepEqual(await ends('web'), []);
    const [pid] = await pids('web');
    process.kill(pid!, 'SIGSEGV');
    await eventually(async () => assert.equal((await ends('web')).length, 1));
    await done('restart', web);
    const [end, ...more] = await ends('web');
    assert.equal(more.length, 2);
    const { time, duration, ...rest } = end!;
    assert.deepEqual(rest, { pid, wid: 1, code: null, signal: 'SIGSEGV', reason: 'crashed', by: null });
    assert.ok(Math.abs(Date.now() / 1000 - time) < 30 && duration > 0 && duration < 30);
  });

  it('tells who asked for an end', async () => {
    await done('restart', web);
    await done('reload', web);
    await done('decr', web);
    await done('kill', web);
    await ask('signal', { ...web, signum: 'KILL' });
    await eventually(async () => assert.equal((await ends('web')).length, 7));
    assert.deepEqual(await endings('web'), [
      ...['stopped by operator', 'stopped by operator', 'replaced by operator', 'replaced by operator'],
      ...['resized by operator', 'killed by operator', 'signalled by operator'],
    ]);
    await eventually(async () => assert.deepEqual(await endings('old'), ['killed by plugin reaper: too old']));
  });

  it('tells what crashed, ended by itself, was killed after its grace or killed from outside', async () => {
    await done('start', { name: 'crash' });
    await eventually(async () => assert.equal((await endings('crash'))[0], 'crashed with code 3'));
    await eventually(async () => assert.deepEqual(await endings('once'), ['exited with code 0']));
    await done('start', { name: 'deaf' });
    await eventually(() => session.daemon.log.includes('cannot hear'));
    await done('stop', { name: 'deaf' });
    assert.deepEqual(await endings('deaf'), ['killed after grace by operator']);
    process.kill((await pids('web'))[0]!, 'SIGKILL');
    await eventually(async () => assert.deepEqual(await endings('web'), ['crashed with SIGKILL']));
  });

  it('keeps the last 50, and forgets a watcher that is taken out', async () => {
    await done('add', { name: 'x', cmd: 'sleep 600', start: true });
    for (let round = 0; round < 52; round++) await done('kill', { name: 'x' });
    const kept = await ends('x');
    assert.equal(kept.length, 50);
    assert.ok(kept[0]!.time <= kept[49]!.time);
    const [last] = await pids('x');
    await done('kill', { name: 'x' });
    assert.equal((await ends('x')).at(-1)!.pid, last);
    await done('rm', { name: 'x' });
    await done('add', { name: 'x', cmd: 'sleep 600' });
    assert.deepEqual(await ends('x'), []);
  });
});
