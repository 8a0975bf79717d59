import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import type { ReloadStep } from '../../core/reload.js';
import type { WatcherSpec } from '../../core/spec.js';
import type { Watcher } from '../../core/watcher.js';
import { flush } from '../support/clock.js';
import { pidsOf, worldPerTest, type World } from './world.js';

const newer = (spec: WatcherSpec) => ({ ...spec, env: { NEW: '1' } });
const newOnes = ({ processes }: Watcher) => processes.filter(({ spec }) => spec.env['NEW'] === '1').length;

/** A plugin that is asked before the old ones of a batch are to leave, and answers when the test says so. */
function judge(world: World) {
  const asked: { readonly step: ReloadStep; answer(yes: boolean): void }[] = [];
  world.hooks.beforeStep.tap('judge', (step) =>
    step.kind === 'start'
      ? undefined
      : new Promise<undefined | false>((resolve) =>
          asked.push({ step, answer: (yes) => resolve(yes ? undefined : false) }),
        ),
  );
  return asked;
}

describe('a step of a reload', () => {
  const world = worldPerTest();

  /** A watcher with a new copy that is ready, and waits. */
  async function waiting(given: Partial<WatcherSpec> = {}, change?: typeof newer) {
    const asked = judge(world());
    const watcher = await world().up({ numprocesses: 2, ready_after: 0, ...given });
    const before = pidsOf(watcher);
    const reload = world().arbiter.reload(watcher, change ? { change } : {});
    await world().until(() => asked.length === 1);
    const [{ step }] = asked as [(typeof asked)[0]];
    const copy = step.ready[0]!;
    return { watcher, before, reload, asked, copy };
  }
  /** Lets everything go on until the reload is over. */
  const finish = async ({ reload, asked }: Awaited<ReturnType<typeof waiting>>) => {
    for (let answered = 0; !reload.settled; await flush())
      for (const { answer } of asked.slice(answered)) {
        answered++;
        answer(true);
      }
  };

  it('that is refused takes the new ones away, and the reload fails', async () => {
    const { watcher, before, reload, asked } = await waiting();
    assert.equal(watcher.processes.length, 3);
    asked[0]!.answer(false);
    await assert.rejects(reload.result, { code: 'ERR_HOOK_REFUSED' });
    await world().until(() => watcher.processes.length === 2);
    assert.deepEqual(pidsOf(watcher), before);
  });

  it('is over when the new copy dies, with the reason of its end', async () => {
    const { watcher, before, reload, copy } = await waiting();
    send(copy.pid, 9);
    await assert.rejects(
      reload.result,
      new RegExp(`process ${copy.pid} did not become ready: it was killed by SIGKILL`),
    );
    await world().until(() => watcher.processes.length === 2);
    assert.deepEqual(pidsOf(watcher), before);
  });

  it('has the new copy stay where the old one died meanwhile', async () => {
    const parts = await waiting();
    const { watcher, before, copy, asked, reload } = parts;
    send(before[0]!, 9);
    await world().until(() => watcher.history.length === 1);
    await flush();
    assert.equal(watcher.processes.length, 2);
    asked[0]!.answer(false);
    await assert.rejects(reload.result);
    await flush();
    assert.deepEqual([...pidsOf(watcher)].sort(), [before[1]!, copy.pid].sort());
  });

  it('bears that more are asked for: all have the new spec in the end', async () => {
    const parts = await waiting({}, newer);
    await parts.watcher.resize(3).result;
    assert.deepEqual([parts.watcher.processes.length, newOnes(parts.watcher)], [4, 1]);
    await finish(parts);
    await world().until(() => newOnes(parts.watcher) === 3 && parts.watcher.processes.length === 3);
    assert.equal(parts.reload.state, 'done');
  });

  for (const yes of [true, false])
    it(`bears that fewer are asked for, and is ${yes ? 'agreed to' : 'refused'} then`, async () => {
      const parts = await waiting();
      await parts.watcher.resize(1).result;
      if (yes) await finish(parts);
      else parts.asked[0]!.answer(false);
      await world().until(() => parts.reload.settled && parts.watcher.processes.length === 1);
      await flush();
      assert.equal(parts.watcher.processes.length, 1);
    });

  it('ends with a stop of the watcher', async () => {
    const { watcher, reload } = await waiting();
    await watcher.stop().result;
    assert.deepEqual([reload.state, watcher.processes.length], ['cancelled', 0]);
  });
});
