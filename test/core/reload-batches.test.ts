import assert from 'node:assert/strict';
import { send } from '../../core/posix/process.js';
import type { ReloadPlan, ReloadStep } from '../../core/reload.js';
import type { WatcherSpec } from '../../core/spec.js';
import type { Watcher } from '../../core/watcher.js';
import { flush } from '../support/clock.js';
import { gate, pidsOf, worldPerTest, type World } from './world.js';

const newer = (spec: WatcherSpec) => ({ ...spec, env: { NEW: '1' } });
const newOnes = ({ processes }: Watcher) => processes.filter(({ spec }) => spec.env['NEW'] === '1').length;

/** Has reloads go by this plan. */
function planned(world: World, plan: Partial<ReloadPlan>): void {
  world.hooks.reloadPlan.tap('test', (usual) => ({ ...usual, ...plan }));
}

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

describe('a reload in batches', () => {
  const world = worldPerTest();

  it('starts a batch side by side, and stops nobody before all of it are ready', async () => {
    const { open, close } = gate(world());
    planned(world(), { first: 2, batch: 3 });
    const watcher = await world().up({ numprocesses: 5 });
    const before = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 2);
    open[1]!.answer(true);
    await flush();
    assert.deepEqual([watcher.processes.length, watcher.history.length], [7, 0]);
    assert.ok(watcher.processes.every(({ stopping }) => !stopping));
    open[0]!.answer(true);
    await world().until(() => open.length === 5);
    assert.deepEqual([reload.progress, watcher.history.length], [{ done: 2, total: 5 }, 2]);
    for (const { answer } of open.slice(2)) answer(true);
    await reload.result;
    assert.equal(watcher.processes.length, 5);
    assert.ok(pidsOf(watcher).every((pid) => !before.includes(pid)));
  });

  it('asks before each batch is started, and again before the old ones leave', async () => {
    planned(world(), { first: 1, batch: 2 });
    const steps: (readonly [string, number, number])[] = [];
    const watcher = await world().up({ numprocesses: 3, ready_after: 0 });
    world().hooks.beforeStep.tap('test', ({ kind, ready, operation }) => {
      steps.push([kind, ready.length, operation.progress.done]);
    });
    await world().arbiter.reload(watcher).result;
    assert.deepEqual(steps, [
      ['start', 0, 0],
      ['stop', 1, 0],
      ['start', 0, 1],
      ['stop', 2, 1],
    ]);
  });

  it('removes all of a batch of which one fails, and stops none of the old ones', async () => {
    const { open, close } = gate(world());
    planned(world(), { first: 3, batch: 3 });
    const watcher = await world().up({ numprocesses: 3 });
    const before = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 3);
    open[0]!.answer(true);
    send(open[1]!.pid, 9);
    await assert.rejects(reload.result, /did not become ready: it was killed by SIGKILL/);
    await world().until(() => watcher.processes.length === 3);
    assert.deepEqual(pidsOf(watcher), before);
    assert.ok(watcher.processes.every(({ stopping }) => !stopping));
  });

  it('stops the processes of a batch together where that comes first', async () => {
    planned(world(), { first: 2, batch: 2, stopFirst: true });
    const watcher = await world().up({ numprocesses: 2, ready_after: 0 });
    const told: string[] = [];
    world().hooks.processState.tap('test', (_process, _before, after) => void told.push(after));
    await world().arbiter.reload(watcher).result;
    assert.deepEqual(told.slice(0, 2), ['stopping', 'stopping']);
    assert.equal(told.length, 6);
  });

  it('keeps what was replaced when a later batch fails', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    const [, second] = pidsOf(watcher);
    close();
    const reload = world().arbiter.reload(watcher);
    await world().until(() => open.length === 1);
    open[0]!.answer(true);
    await world().until(() => open.length === 2);
    open[1]!.answer(false);
    await assert.rejects(reload.result);
    await flush();
    assert.deepEqual(pidsOf(watcher), [second, open[0]!.pid]);
  });

  for (const how of ['fails', 'is cancelled'])
    it(`that changes the spec and ${how} in a later batch goes back, a new process first`, async () => {
      const { open, close } = gate(world());
      const watcher = await world().up({ numprocesses: 2 });
      close();
      const reload = world().arbiter.reload(watcher, { change: newer });
      await world().until(() => open.length === 1);
      open[0]!.answer(true);
      await world().until(() => open.length === 2);
      assert.equal(newOnes(watcher), 2);
      if (how === 'fails') open[1]!.answer(false);
      else reload.cancel('operator');
      await assert.rejects(reload.result);
      await world().until(() => open.length === 3);
      const serving = () => watcher.keeper.slots.serving.length;
      assert.equal(serving(), 2);
      open[2]!.answer(true);
      await world().until(() => newOnes(watcher) === 0 && watcher.processes.length === 2);
      const back = [...world().arbiter.operations.values()].at(-1)!;
      await back.result;
      assert.deepEqual([back.kind, back.by, back.progress], ['reload', 'kernel', { done: 1, total: 1 }]);
      assert.equal(watcher.spec.env, null);
    });

  it('does not go back when it was stopped', async () => {
    const { open, close } = gate(world());
    const watcher = await world().up({ numprocesses: 2 });
    close();
    const reload = world().arbiter.reload(watcher, { change: newer });
    await world().until(() => open.length === 1);
    open[0]!.answer(true);
    await world().until(() => open.length === 2);
    await watcher.stop().result;
    await flush();
    assert.deepEqual([reload.state, watcher.state, watcher.processes.length], ['cancelled', 'stopped', 0]);
    assert.ok([...world().arbiter.operations.values()].every(({ by }) => by !== 'kernel'));
  });
});

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

describe('what is replaced', () => {
  const world = worldPerTest();

  /** Notes who is to leave, and lets it go when the test says so. */
  function leaving() {
    const asked: { readonly pid: number; readonly signal: AbortSignal; readonly go: () => void }[] = [];
    world().hooks.beforeReplaced.tap(
      'test',
      ({ pid }, signal) => new Promise<void>((go) => asked.push({ pid, signal, go })),
    );
    return asked;
  }

  it('may leave its clients to others before its signal, in a reload and alone', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    for (const replace of [
      () => world().arbiter.reload(watcher),
      () => watcher.replace(watcher.processes[0]!, 'old'),
    ]) {
      const [old] = watcher.processes;
      const operation = replace();
      await world().until(() => asked.at(-1)?.pid === old!.pid);
      assert.deepEqual([old!.stopping, watcher.processes.length], [undefined, 2]);
      assert.ok(!watcher.keeper.slots.serving.includes(old!));
      asked.at(-1)!.go();
      await operation.result;
      assert.equal(old!.exit?.reason, 'replaced');
    }
  });

  it('has for that as long as its stop may take', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0, graceful_timeout: 0.2 });
    await world().arbiter.reload(watcher).result;
    assert.deepEqual([asked.length, asked[0]!.signal.aborted], [1, true]);
  });

  it('is asked too where it is stopped before its successor starts', async () => {
    const asked = leaving();
    const watcher = await world().up({ singleton: true });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    assert.equal(watcher.processes.length, 1);
    asked[0]!.go();
    await reload.result;
  });

  it('may die while it leaves', async () => {
    const asked = leaving();
    const watcher = await world().up({ numprocesses: 2, ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    send(asked[0]!.pid, 9);
    await world().until(() => asked.length === 2);
    assert.ok(asked[0]!.signal.aborted);
    asked[1]!.go();
    await reload.result;
    assert.equal(watcher.processes.length, 2);
  });

  it('is not missed when its successor dies meanwhile: another one comes at once', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    const successor = watcher.keeper.slots.serving[0]!;
    send(successor.pid, 9);
    await world().until(() => watcher.keeper.slots.serving.some(({ pid }) => pid !== successor.pid));
    asked[0]!.go();
    await reload.result;
    assert.equal(watcher.processes.length, 1);
  });

  it('is stopped at once when the watcher is, without more of that', async () => {
    const asked = leaving();
    const watcher = await world().up({ ready_after: 0 });
    world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    await watcher.stop().result;
    assert.deepEqual([asked[0]!.signal.aborted, watcher.processes.length], [true, 0]);
  });

  it('is counted rightly when fewer are asked for while it leaves', async () => {
    const asked = leaving();
    const watcher = await world().up({ numprocesses: 3, ready_after: 0 });
    const reload = world().arbiter.reload(watcher);
    await world().until(() => asked.length === 1);
    void watcher.resize(2);
    await world().until(() => watcher.keeper.slots.serving.length === 2);
    for (let gone = 0; !reload.settled; await flush())
      for (const { go } of asked.slice(gone)) {
        gone++;
        go();
      }
    await flush();
    assert.equal(watcher.processes.length, 2);
  });
});

describe('a new process that fails', () => {
  const world = worldPerTest();
  const brings =
    (cmd: string, more: Partial<WatcherSpec> = {}) =>
    (spec: WatcherSpec) => ({ ...spec, cmd, ...more });

  /** Has processes write to pipes of ours. */
  const piped = () =>
    world().hooks.spawnSpec.tap('test', (spec) => ({ ...spec, files: { ...spec.files, 1: 'pipe', 2: 'pipe' } }));

  it('is told with its last ten lines, without what a terminal obeys', async () => {
    piped();
    const watcher = await world().up();
    const lines = Array.from({ length: 12 }, (_, at) => `line ${at + 1}`).join('\\n');
    const change = brings(`sh -c 'printf "${lines}\\n\\033[2Jred\\n"; exit 3'`);
    const told = Array.from({ length: 9 }, (_, at) => `line ${at + 4}`).join(' / ');
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, {
      message: new RegExp(`it exited with code 3; it wrote last: ${told} / \\\\x1b\\[2Jred$`),
    });
  });

  it('is told with 2 KiB at most, of whole lines, and without secrets', async () => {
    piped();
    const watcher = await world().up();
    const script = 'for i in $(seq 2000); do echo "$i sesame"; done; exit 3';
    const change = brings(`sh -c '${script}'`, { env: { KEY: 'sesame' }, secrets: ['KEY'] });
    const error = await world()
      .arbiter.reload(watcher, { change })
      .result.catch((reason: unknown) => reason as Error);
    assert.match((error as Error).message, /it wrote last: 1991 \*\*\* \/ .* \/ 2000 \*\*\*$/);
    const wide = brings(`sh -c 'head -c 9000 /dev/zero | tr "\\000" x; echo; echo end; exit 3'`);
    await assert.rejects(world().arbiter.reload(watcher, { change: wide }).result, /it wrote last: end$/);
  });

  it('is told with its end alone where its output does not come to us', async () => {
    const watcher = await world().up();
    const change = brings(`sh -c 'exit 3'`);
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, /it exited with code 3$/);
  });
});
