import assert from 'node:assert/strict';
import { isError, reasonOf } from '../../core/errors.js';
import { Refusal } from '../../core/guard.js';
import { worldPerTest } from './world.js';

describe('what is said of plugins', () => {
  const world = worldPerTest();
  const nonsense = 'nonsense' as never;

  it('a fault names the watcher that it was about', async () => {
    const { hooks } = world().plugin('bad');
    const fail = () => {
      throw new Error('no');
    };
    hooks.spawned.tap('bad', fail);
    hooks.processState.tap('bad', fail);
    hooks.watcherAdded.tap('bad', fail);
    hooks.operationChanged.tap('bad', fail);
    hooks.afterStart.tap('bad', async () => undefined);
    hooks.started.tap('bad', fail);
    await world().up({ name: 'web' });
    await world().arbiter.start();
    const seen = new Map(world().faults.map(({ hook, watcher }) => [hook, watcher]));
    assert.deepEqual(Object.fromEntries(seen), {
      watcherAdded: 'web',
      operationChanged: 'web',
      processState: 'web',
      spawned: 'web',
      started: undefined,
    });
  });

  it('a watcher that is not to be added is named too', () => {
    world()
      .plugin('bad')
      .hooks.watcherSpec.tap('bad', () => nonsense);
    assert.throws(() => world().add({ name: 'web' }), { code: 'ERR_HOOK_REFUSED' });
    assert.equal(world().faults[0]!.watcher, 'web');
  });

  it('an answer that is none counts as a refusal, or is ignored, and is told to', async () => {
    const { hooks } = world().plugin('bad');
    hooks.beforeSignal.tap('bad', () => nonsense);
    hooks.beforeStart.tap('bad', () => nonsense);
    const watcher = world().add({ name: 'web' });
    await watcher.start().result.catch(() => undefined);
    const answered = (hook: string) => `plugin "bad" answered "nonsense" to hook "${hook}", which is not an answer;`;
    assert.equal(reasonOf(world().faults[0]!.error), `${answered('beforeStart')} it counts as a refusal`);
  });

  it('an ignored answer is said to be', async () => {
    world()
      .plugin('bad')
      .hooks.beforeSignal.tap('bad', () => nonsense);
    await (await world().up()).stop().result;
    assert.match(reasonOf(world().faults[0]!.error), /which is not an answer; it is ignored$/);
  });

  it('an answer that throws when it is looked at is none', async () => {
    const look = () => {
      throw new Error('do not look');
    };
    const answer = new Proxy({}, { get: (_target, key) => (key === 'then' ? undefined : look()), ownKeys: look });
    world()
      .plugin('bad')
      .hooks.beforeStart.tap('bad', () => answer as never);
    await assert.rejects(world().add().start().result, { code: 'ERR_HOOK_REFUSED' });
    assert.match(reasonOf(world().faults[0]!.error), /answered object to hook "beforeStart"/);
  });

  for (const hook of ['beforeStart', 'afterStart'] as const) {
    it(`a refusal of ${hook} carries its reason to the watcher`, async () => {
      world()
        .plugin('limits')
        .hooks[hook].tap('limits', () => ({ refuse: 'it is closed on Sundays' }));
      const watcher = world().add();
      await assert.rejects(watcher.start().result, { code: 'ERR_HOOK_REFUSED' });
      assert.equal(watcher.reason, `hook "${hook}" refused: limits (it is closed on Sundays)`);
      assert.deepEqual(world().faults, []);
    });
  }

  for (const hook of ['beforeSpawn', 'afterSpawn'] as const) {
    it(`a refusal of ${hook} ends in giving up, with the reason`, async () => {
      world()
        .plugin('limits')
        .hooks[hook].tap('limits', async () => ({ refuse: 'the disk is full' }));
      const watcher = world().add();
      await watcher.start().result;
      assert.equal(watcher.state, 'gave-up');
      assert.equal(watcher.reason, `gave up: hook "${hook}" refused: limits (the disk is full)`);
    });
  }

  it('a process that cannot serve may say why, and a signal be held back with a reason', async () => {
    const { hooks } = world().plugin('probe');
    const watcher = await world().up({ graceful_timeout: 0 });
    hooks.ready.tap('probe', () => ({ refuse: 'its database is away' }));
    const reload = world().arbiter.reload(watcher);
    await assert.rejects(reload.result, /refused by probe \(its database is away\)/);
    hooks.beforeSignal.tap('probe', () => ({ refuse: 'it works' }));
    assert.equal(await watcher.processes[0]!.signal(15), false);
    assert.deepEqual(world().faults, []);
  });

  it('a verdict is no question that may be refused', async () => {
    world()
      .plugin('bad')
      .hooks.respawn.tap('bad', () => ({ retryIn: 5, refuse: 'no' }));
    const watcher = await world().up({ cmd: 'sh -c "exit 1"', respawn: false });
    await world().until(() => watcher.state === 'completed');
    assert.match(world().faultWords.join(), /bad respawn: ERR_PLUGIN_ANSWER/);
  });

  it('a refusal without a reason names the plugin', () => {
    assert.equal(`${new Refusal('limits')}`, 'limits');
  });

  it('an error of another copy of the package is known by its name and code', () => {
    const foreign = Object.assign(new Error('gone'), { name: 'CircusError', code: 'ERR_PROCESS_GONE' });
    assert.ok(isError(foreign, 'ERR_PROCESS_GONE') && !isError(foreign, 'ERR_PROCESS_CWD'));
    assert.ok(!isError(Object.assign(new Error('x'), { code: 'ERR_PROCESS_GONE' }), 'ERR_PROCESS_GONE'));
  });
});
