import assert from 'node:assert/strict';
import { isError } from '#core';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { thisMachine } from '#plugins/limits/machine.js';
import { worldPerTest } from './world.js';

describe('a link that fails', () => {
  const world = worldPerTest();
  const temporary = temporaryPerTest();
  const quiet = { close_child_stderr: true };

  /** Takes every right away before the links that follow. */
  const disarm = () =>
    world().hooks.spawnSpec.tap('test', (spec) => ({
      ...spec,
      chain: [...spec.chain, ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all']],
    }));

  const refused: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['setpriv', { uid: 'nobody' }],
    ['ionice', { ionice: 'realtime 0' }],
    ['chrt', { sched: 'fifo 50' }],
    ['choom', { oom_score_adj: '-900' }],
    // Above what the kernel gives to anybody, so above every hard limit.
    ['prlimit', { rlimit_nofile: String(2 ** 40) }],
  ];
  for (const [tool, options] of refused) {
    it(`as it may not is told from an end of the program: ${tool}`, async () => {
      disarm();
      const watcher = await world().start(options, quiet);
      await eventually(() => assert.equal(watcher.state, 'gave-up'));
      assert.match(watcher.reason, new RegExp(`^gave up: .*"${tool}" .*exited with code (1|127)$`));
      assert.deepEqual(
        watcher.history.map(({ exit }) => exit.failedLink),
        [tool],
      );
    });
  }

  /** Puts other words in place of some at the end of the chain, as the machine may change between check and start. */
  const change = (words: Readonly<Record<string, string>>) =>
    world().hooks.spawnSpec.tap({ name: 'test', stage: 200 }, (spec) => ({
      ...spec,
      chain: spec.chain.map((link) => link.map((word) => words[word] ?? word)),
    }));

  it('as what it shall set has gone since is told from an end of the program: taskset', async () => {
    change({ 0: '1023' });
    const watcher = await world().start({ cpu_affinity: '0' }, quiet);
    await eventually(() => assert.equal(watcher.state, 'gave-up'));
    assert.equal(watcher.history[0]?.exit.failedLink, 'taskset');
  });

  it('as its user has gone since is told from an end of the program: setpriv', async () => {
    change({ nobody: 'no-such-user' });
    const watcher = await world().start({ uid: 'nobody' }, quiet);
    await eventually(() => assert.equal(watcher.state, 'gave-up'));
    assert.deepEqual([watcher.history[0]?.exit.failedLink, watcher.history[0]?.exit.code], ['setpriv', 1]);
  });

  for (const [tool, options] of [
    ['sh', { umask: '022' }],
    ['prlimit', { rlimit_nofile: '100' }],
    ['choom', { oom_score_adj: '1' }],
    ['ionice', { ionice: 'idle' }],
    ['chrt', { sched: 'batch' }],
    ['nice', { nice: '1' }],
    ['taskset', { cpu_affinity: '0' }],
  ] as const) {
    it(`as the next one has gone since is told from an end of the program: ${tool}`, async () => {
      const { program } = thisMachine();
      change({ [program('setpriv')!]: '/nowhere/setpriv' });
      const watcher = await world().start({ ...options, no_new_privileges: '1' }, quiet);
      await eventually(() => assert.equal(watcher.state, 'gave-up'));
      assert.deepEqual([watcher.history[0]?.exit.failedLink, watcher.history[0]?.exit.reason], [tool, 'ended']);
    });
  }

  it('as the first one has gone since is no start at all', async () => {
    const { program } = thisMachine();
    change({ [program('prlimit')!]: '/nowhere/prlimit' });
    const watcher = await world().start({ rlimit_nofile: '100' }, quiet);
    await eventually(() => assert.equal(watcher.state, 'gave-up'));
    assert.deepEqual([watcher.history.length, /No such file/.test(watcher.reason)], [0, true]);
  });

  for (const [tool, options] of [
    ['nice', { nice: '5' }],
    ['sh', { umask: '022' }],
  ] as const) {
    it(`as it can't become the program is told from an end of that: ${tool}`, async () => {
      const cmd = temporary.write('no-program', 'this can not be run');
      const watcher = await world().start(options, { ...quiet, cmd });
      await eventually(() => assert.equal(watcher.state, 'gave-up'));
      assert.equal(watcher.history[0]?.exit.failedLink, tool);
      assert.match(watcher.reason, new RegExp(`"${tool}" .*exited with code 126$`));
    });
  }

  it('is no end that is followed at once, and an end of the program is no failed link', async () => {
    const watcher = await world().start(
      { uid: 'nobody', nice: '5', umask: '022' },
      { cmd: 'true', respawn: false, numprocesses: 1 },
    );
    await eventually(() => assert.equal(watcher.state, 'completed'));
    assert.deepEqual(
      watcher.history.map(({ exit }) => [exit.failedLink, exit.code]),
      [[undefined, 0]],
    );
  });

  it('is known before a start where it can be: the watcher is refused', () => {
    const add = (options: Readonly<Record<string, string>>) => world().start(options);
    return Promise.all([
      assert.rejects(
        add({ uid: 'nobdy' }),
        (error) => isError(error, 'ERR_HOOK_REFUSED') && /"uid" must be a user/.test(error.message),
      ),
      assert.rejects(add({ gid: 'nogrop' }), /did you mean "nogroup"/),
      assert.rejects(add({ rlimit_nofiles: '5' }), /did you mean "rlimit_nofile"/),
    ]);
  });

  it('is no way around the plugin: what got a user while it ran is not started without it', async () => {
    const watcher = await world().start({});
    watcher.update({ ...watcher.spec, options: { uid: 'nobody' } });
    await world().host.unload('limits');
    await watcher.kill(watcher.processes);
    await eventually(() => assert.equal(watcher.state, 'waiting'));
    assert.match(watcher.reason, /plugin "limits", which is not loaded/);
  });

  it('is known at a change too: the watcher stays as it was', async () => {
    const watcher = await world().start({ uid: 'nobody' });
    const [before] = watcher.processes;
    const change = (spec: typeof watcher.spec) => ({ ...spec, options: { uid: 'nobdy' } });
    await assert.rejects(world().arbiter.reload(watcher, { change }).result, /"uid" must be a user/);
    assert.throws(() => watcher.update(change(watcher.spec)), /"uid" must be a user/);
    assert.deepEqual([watcher.processes, watcher.spec.options], [[before], { uid: 'nobody' }]);
  });
});
