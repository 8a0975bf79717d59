import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import { gate, pidsOf, widsOf, worldPerTest } from './world.js';

describe('replacing one process', () => {
  const world = worldPerTest();

  it('stops it when another is ready, and tells why', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    const [old, other] = watcher.processes;
    close();
    const operation = watcher.replace(old!, 'too large', 'plugin scales');
    await world().until(() => open.length === 1);
    assert.deepEqual([watcher.processes.length, old!.stopping], [3, undefined]);
    open[0]!.answer(true);
    const report = await operation.result;
    assert.deepEqual([report.started, report.stopped, report.kept], [[open[0]!.pid], [old!.pid], [other!.pid]]);
    assert.deepEqual([operation.kind, operation.by], ['replace', 'plugin scales']);
    const [{ exit }] = watcher.history as [(typeof watcher.history)[0]];
    assert.deepEqual([exit.reason, exit.why], ['replaced', 'too large']);
    assert.deepEqual(widsOf(watcher), [2, 3]);
  });

  it('does nothing when it has ended by then, or is being stopped', async () => {
    const watcher = await world().up({ numprocesses: 2 });
    const [one, two] = watcher.processes;
    send(one!.pid, 9);
    await world().until(() => watcher.processes.length === 2 && !one!.alive);
    const before = pidsOf(watcher);
    const { started } = await watcher.replace(one!, 'too large').result;
    assert.deepEqual([started, pidsOf(watcher)], [[], before]);
    await Promise.all([watcher.kill([two!]), watcher.replace(two!, 'too large').result]);
    await world().until(() => watcher.history.length === 2);
    assert.deepEqual([watcher.history[1]!.exit.reason, watcher.history[1]!.exit.why], ['killed', undefined]);
  });

  it('fails when the other one does, and leaves the old one alone', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up();
    const before = pidsOf(watcher);
    close();
    const operation = watcher.replace(watcher.processes[0]!, 'too large');
    await world().until(() => open.length === 1);
    open[0]!.answer(false);
    await assert.rejects(operation.result, /did not become ready/);
    assert.deepEqual(pidsOf(watcher), before);
  });

  it('is cancelled by a reload, which replaces it too', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up();
    const [old] = watcher.processes;
    close();
    const operation = watcher.replace(old!, 'too large');
    await world().until(() => open.length === 1);
    const reload = world().arbiter.reload(watcher);
    await assert.rejects(operation.result, /cancelled: reload by operator/);
    await world().until(() => open.length === 2);
    open[1]!.answer(true);
    await reload.result;
    assert.deepEqual([pidsOf(watcher), watcher.history.at(-1)!.exit.why], [[open[1]!.pid], undefined]);
  });

  it('can be looked at before: what would be spawned, as plugins have it', async () => {
    const watcher = world().add({ cmd: 'sleep 600 $(circus.wid)' });
    world().hooks.spawnSpec.tap('test', (spec) => ({ ...spec, chain: [['nice']] }));
    const { command, args, chain } = await watcher.keeper.specFor({ wid: 7, spec: watcher.spec, preview: true });
    assert.deepEqual([command, args, chain], ['sleep', ['600', '7'], [['nice']]]);
    assert.deepEqual([watcher.state, watcher.processes], ['stopped', []]);
  });
});
