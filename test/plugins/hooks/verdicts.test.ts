import assert from 'node:assert/strict';
import type { PointName } from '#plugins/hooks/points.js';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, listen, type Client, type Listener } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { failures, files, hookOf, kinds, notesOf, type Behaviour, type Kind } from './kinds.js';

const refusing: readonly PointName[] = ['before_start', 'after_start', 'before_spawn', 'after_spawn'];
const stopping: readonly PointName[] = ['before_stop', 'after_stop', 'after_signal', 'before_reap', 'after_reap'];

for (const kind of kinds) {
  describe(`what a ${kind} answers`, () => {
    const start = daemonPerTest();
    closeClients();
    let daemon: Circusd;
    let client: Client;
    let listener: Listener;

    /** A daemon with these hooks at the watcher "web", which is at rest. */
    async function begin(hooks: Readonly<Record<string, string>>, more = ''): Promise<void> {
      const lines = Object.entries(hooks).map(([name, text]) => `hooks.${name} = ${text}`);
      const web = `[watcher:web]\ncmd = sleep 600\nautostart = False\nenv.OWN = mine\n${lines.join('\n')}\n${more}`;
      daemon = await start(`[watcher:other]\ncmd = sleep 600\n${web}`, files);
      client = connect(daemon);
      listener = await listen(daemon, 'other');
    }
    const status = async () => client.ask('status', { name: 'web' });
    const events = (name: 'hook_failure' | 'hook_success', point: string) =>
      listener.events.filter(({ topic, payload }) => topic === `watcher.web.${name}` && payload['name'] === point);
    /** The event of a hook that answered no, or failed. */
    const told = (point: PointName, behaviour: Behaviour) =>
      eventually(() => {
        const failed = behaviour === 'fail' || kind === 'command';
        const found = events(failed ? 'hook_failure' : 'hook_success', point)[0] ?? assert.fail(`no event of ${point}`);
        const { error } = found.payload;
        if (behaviour === 'fail') assert.match(String(error), failures[kind]);
        else assert.equal(error, failed ? 'exited with code 3: not now, mine' : undefined);
      });
    const why: Readonly<Record<Kind, RegExp>> = {
      module: /"\.\/hooks\.mjs#no" returned false/,
      command: /"exec:hook\.sh no" exited with code 3: not now, mine/,
      python: /"myhooks\.no" returned None/,
    };
    const startWeb = () => client.ask('start', { name: 'web', waiting: true });

    for (const point of refusing) {
      it(`no at ${point} refuses, and the reason names the hook`, async () => {
        await begin({ [point]: hookOf(kind, 'no') });
        const reply = await startWeb();
        await eventually(async () => assert.equal((await status())['status'], 'stopped'));
        const { reason } = await status();
        assert.match(String(reason), new RegExp(`its ${point} ${why[kind].source}`));
        if (/start/.test(point)) assert.match(String(reply['reason']), new RegExp(`its ${point} `));
        await told(point, 'no');
        assert.deepEqual((await client.ask('list', { name: 'web' }))['pids'], []);
        assert.ok(listener.words('web').includes('spawn') === (point === 'after_start'), listener.words('web').join());
      });

      it(`a failure at ${point} refuses, unless it is forgiven`, async () => {
        await begin({ [point]: hookOf(kind, 'fail') });
        await startWeb();
        await eventually(async () =>
          assert.match(String((await status())['reason']), new RegExp(`its ${point} .*failed: `)),
        );
        await told(point, 'fail');
        const forgiven = `${hookOf(kind, 'fail')}, True`;
        assert.equal(
          (await client.ask('set', { name: 'web', options: { [`hooks.${point}`]: forgiven } }))['status'],
          'ok',
        );
        await startWeb();
        assert.equal((await status())['status'], 'active');
        await eventually(() => assert.ok(events('hook_failure', point).length > 1));
      });
    }

    it('no at before_start is no life: no other hook is called', async () => {
      const all = Object.fromEntries(
        [...refusing, ...stopping, 'before_signal'].map((point) => [point, hookOf(kind, 'yes')]),
      );
      await begin({ ...all, before_start: hookOf(kind, 'no') });
      await startWeb();
      assert.equal((await status())['status'], 'stopped');
      assert.deepEqual(
        notesOf(daemon).map(({ what }) => what),
        ['before_start'],
      );
    });

    it('no at before_signal keeps a signal back, but never SIGKILL', async () => {
      await begin({ before_signal: hookOf(kind, 'no'), after_signal: hookOf(kind, 'yes') }, 'graceful_timeout = 1\n');
      await startWeb();
      const { pids } = await client.ask('list', { name: 'web' });
      await client.ask('signal', { name: 'web', signum: 15 });
      await told('before_signal', 'no');
      await eventually(() => assert.ok(notesOf(daemon).some(({ what }) => what === 'after_signal')));
      assert.deepEqual((await client.ask('list', { name: 'web' }))['pids'], pids);
      await client.ask('stop', { name: 'web', waiting: true });
      const { payload } = await listener.next('watcher.web.reap');
      assert.equal(payload['exit_code'], -9);
      const signals = () => notesOf(daemon).map(({ what, signum }) => `${what} ${Number(signum)}`);
      await eventually(() => assert.deepEqual(signals().slice(-2), ['before_signal 9', 'after_signal 9']));
    });

    it('a failure at before_signal lets the signal go', async () => {
      await begin({ before_signal: hookOf(kind, 'fail') });
      await startWeb();
      await client.ask('stop', { name: 'web', waiting: true });
      assert.equal((await listener.next('watcher.web.reap')).payload['exit_code'], -15);
      await told('before_signal', 'fail');
    });

    for (const behaviour of ['no', 'fail'] as const) {
      it(`${behaviour} changes nothing about a stop and an end`, async () => {
        await begin(Object.fromEntries(stopping.map((point) => [point, hookOf(kind, behaviour)])));
        await startWeb();
        assert.equal((await client.ask('stop', { name: 'web', waiting: true }))['status'], 'ok');
        assert.equal((await listener.next('watcher.web.reap')).payload['exit_code'], -15);
        for (const point of stopping) await told(point, behaviour);
      });
    }

    it('a failure at extended_stats fails the command, and is no event', async () => {
      await begin({ extended_stats: hookOf(kind, 'fail') });
      await startWeb();
      const reply = await client.ask('stats', { name: 'web', extended: true });
      assert.equal(reply['status'], 'error');
      assert.match(String(reply['reason']), /^hook extended_stats .* failed: /);
      assert.equal((await client.ask('stats', { name: 'web' }))['status'], 'ok');
      assert.equal(events('hook_failure', 'extended_stats').length, 0);
    });
  });
}
