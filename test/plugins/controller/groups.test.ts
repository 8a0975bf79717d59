import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.js';
import { sessionPerTest } from './session.js';
import { ofPlugins } from '../../cli/ctl/every-command.js';

const ini = `
[circus]
overrides = saved.ini
[group:api]
numprocesses = 2
[watcher:db]
cmd = sleep 600
priority = 5
group = data
label.team = a
[watcher:one]
cmd = sleep 600
singleton = True
group = api
numprocesses = 1
label.tier = web
[watcher:rest]
cmd = sleep 600
autostart = False
group = nightly
label.team = b
[watcher:web]
cmd = sleep 600
group = api, nightly
label.tier = web
label.team = a
`;

type Replies = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

describe('groups, labels and patterns in commands', () => {
  const session = sessionPerTest(ini, async ({ client }) => {
    for (const name of ['db', 'one', 'web']) assert.equal(await client.state(name), 'active');
  });
  const { ask, bare, refusal, done, pids } = session;
  const replies = async (command: string, properties: object): Promise<Replies> =>
    (await ask(command, properties))['replies'] as Replies;
  const names = async (name: unknown) =>
    Object.keys((await replies('list', Array.isArray(name) ? { names: name } : { name })) ?? {});

  it('mean watchers, in their own order, each once', async () => {
    assert.deepEqual(await names('@api'), ['one', 'web']);
    assert.deepEqual(await names('w* @DATA one'), ['db', 'one', 'web']);
    assert.deepEqual(await names('team=a,tier!=web'), ['db']);
    assert.deepEqual(await names(['web', '@api', 'team=b']), ['one', 'rest', 'web']);
    assert.deepEqual(await names(['Web']), ['web']);
    assert.deepEqual(await names('web,db'), ['db', 'web']);
  });

  it('are answered with what each watcher would be answered alone', async () => {
    const { replies: all, status } = await ask('status', { name: '@data' });
    const { time: _, id: __, ...alone } = await ask('status', { name: 'db' });
    assert.deepEqual([status, all], ['ok', { db: alone }]);
    const options = await replies('get', { name: '@api', keys: ['numprocesses', 'group'] });
    assert.deepEqual(options, {
      one: { status: 'ok', options: { numprocesses: 1, group: 'api' } },
      web: { status: 'ok', options: { numprocesses: 2, group: 'api, nightly' } },
    });
    for (const command of ['list', 'numprocesses', 'options', 'stats', 'history', 'explain', 'jobs'])
      assert.deepEqual(Object.keys(await replies(command, { name: 'tier=web' })), ['one', 'web'], command);
  });

  it('leave what a request says of names as it was', async () => {
    assert.deepEqual(await refusal('incr', { name: 'ghost' }), [3, 'program ghost not found']);
    assert.deepEqual(await refusal('incr', { name: 'we b' }), [3, 'program we b not found', 'did you mean "web"?']);
    assert.deepEqual(await refusal('incr', { name: 'x*' }), [3, 'program x* not found']);
    assert.deepEqual(await refusal('status', { name: 5 }), [5, "'name' is a text"]);
    assert.deepEqual(await refusal('status', { name: ['web'] }), [5, "'name' is a text"]);
    for (const names of ['web', [], [5]])
      assert.deepEqual(await refusal('status', { names }), [5, "'names' is a list of texts"]);
    // A pattern of Circus starts what starts with the daemon, and has no parts; `match` keeps its meaning.
    assert.deepEqual(await bare('start', { name: '*', match: 'glob', waiting: true }), { status: 'ok' });
    assert.deepEqual(await bare('stop', { name: 'w.b', match: 'regex', waiting: true }), { status: 'ok', info: null });
    await done('add', { name: 'big cat', cmd: 'sleep 600' });
    assert.deepEqual(await bare('start', { name: 'big c*', match: 'glob', waiting: true }), {
      status: 'ok',
      info: { started: await pids('big cat'), kept: [] },
    });
    assert.deepEqual(await names('big c*'), ['big cat']);
    assert.deepEqual(await refusal('start', { name: '@api', match: 'simple' }), [3, 'program @api not found']);
    assert.deepEqual(await pids('rest'), []);
  });

  it('never hide a watcher that is called so', async () => {
    for (const name of ['@api', 'team=a', 'w*']) {
      await done('add', { name, cmd: 'sleep 600' });
      const { numprocesses, watcher_name, replies: none } = await ask('numprocesses', { name });
      assert.deepEqual([numprocesses, watcher_name, none], [0, name, undefined]);
      assert.deepEqual(await names([name]), [name]);
      await done('rm', { name });
    }
  });

  it('that mean nothing are refused with the nearest, and nothing is done', async () => {
    assert.deepEqual(await refusal('stop', { name: '@apii' }), [
      3,
      "no watcher is in group 'apii'",
      'did you mean "@api"?',
    ]);
    assert.deepEqual(await refusal('stop', { name: 'web tier=wob' }), [
      3,
      "no watcher has the labels 'tier=wob'",
      'did you mean "tier=web"?',
    ]);
    assert.deepEqual(await refusal('stop', { names: ['web', 'wbe'] }), [
      3,
      'program wbe not found',
      'did you mean "web"?',
    ]);
    assert.deepEqual(await refusal('stop', { name: 'web tier=' }), [
      3,
      "'tier=' chooses no label: that is NAME=VALUE, or NAME!=VALUE",
    ]);
    assert.equal((await refusal('stop', { name: `@x${' @x'.repeat(1000)}` }))[0], 5);
    assert.equal((await refusal('stop', { name: `@${'x'.repeat(10_000)}` }))[0], 5);
    assert.equal((await refusal('stop', { names: ['x '.repeat(100_000)] }))[0], 5);
    assert.equal(await session.client.state('web'), 'active');
  });

  it('of a plugin that is not loaded say which', async () => {
    const { cgroup = [], dependencies = [] } = ofPlugins;
    for (const [plugin, commands] of Object.entries({ cgroup, dependencies }))
      for (const { name } of commands)
        assert.deepEqual(await refusal(name, {}), [
          2,
          `unknown command: '${name}'`,
          `it comes with the plugin "${plugin}", which is not loaded`,
        ]);
  });

  it('tell failures per watcher, and do what can be done', async () => {
    const reply = await ask('set', { name: '@api', options: { numprocesses: 3 }, waiting: true });
    const reason = 'Singleton watcher has a single process';
    assert.deepEqual([reply['status'], reply['errno'], reply['reason']], ['error', 5, `one: ${reason}`]);
    assert.deepEqual(reply['replies'], { one: { status: 'error', reason, errno: 5 }, web: { status: 'ok' } });
    assert.equal((await pids('web')).length, 3);
    const { jobs } = await ask('jobs', { all: true });
    const [job] = jobs as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual([job?.['command'], job?.['state'], job?.['reason']], ['set', 'failed', `one: ${reason}`]);
  });

  it('say of one that is disabled why it is left alone, and start the others', async () => {
    assert.equal((await ask('disable', { name: 'one', waiting: true }))['status'], 'ok');
    for (const command of ['start', 'restart', 'reload']) {
      const { one, web } = await replies(command, { name: '@api', waiting: true });
      assert.match(String(one?.['reason']), /^watcher "one" is disabled /, command);
      assert.equal(web?.['status'], 'ok', command);
    }
    assert.equal((await ask('enable', { name: 'one', waiting: true }))['status'], 'ok');
  });

  it('answer at once where nobody waits, with the job of what goes on', async () => {
    const { job, replies: all } = await ask('incr', { name: '@api', nb: 2 });
    assert.deepEqual(all, {
      one: { status: 'ok', numprocesses: 1, singleton: true },
      web: { status: 'ok', job },
    });
    assert.equal((await ask('wait', { id: job }))['status'], 'ok');
    assert.equal((await pids('web')).length, 4);
    const decreased = await replies('decr', { name: '@api', nb: 3, waiting: true });
    assert.deepEqual(decreased['web'], { status: 'ok', numprocesses: 1 });
  });

  it('start, stop, restart and reload what is meant in the order of the watchers', async () => {
    const before = new Map([
      ['db', await pids('db')],
      ['web', await pids('web')],
    ]);
    const restarted = await replies('restart', { name: 'web @data', waiting: true });
    assert.deepEqual(Object.keys(restarted), ['db', 'web']);
    for (const [name, old] of before) {
      const now = await pids(name);
      assert.deepEqual(restarted[name], { status: 'ok', info: { stopped: old, started: now, kept: [] } });
    }
    const { events } = await ask('events');
    const topics = (events as readonly { topic: string }[]).map(({ topic }) => topic);
    assert.ok(topics.lastIndexOf('watcher.db.start') < topics.lastIndexOf('watcher.web.start'));
    assert.ok(topics.lastIndexOf('watcher.web.stop') < topics.lastIndexOf('watcher.db.stop'));

    const reloaded = await replies('reload', { name: '@nightly', waiting: true });
    assert.deepEqual(Object.keys(reloaded), ['rest', 'web']);
    assert.deepEqual((reloaded['web']!['info'] as { started: number[] }).started, await pids('web'));
    const stopped = await replies('stop', { name: '@nightly', waiting: true });
    assert.deepEqual(stopped, { rest: { status: 'ok', info: null }, web: { status: 'ok', info: null } });
    // Also what does not start with the daemon: it was named.
    const started = await replies('start', { name: '@nightly', waiting: true });
    assert.deepEqual(started['rest'], { status: 'ok', info: { started: await pids('rest'), kept: [] } });
  });

  it('signal, kill and take out what is meant', async () => {
    const old = [...(await pids('web')), ...(await pids('one'))];
    assert.deepEqual(await replies('signal', { name: '@api', signum: 'KILL' }), {
      one: { status: 'ok' },
      web: { status: 'ok' },
    });
    await eventually(async () => {
      const now = [...(await pids('web')), ...(await pids('one'))];
      assert.deepEqual([now.length, now.filter((pid) => old.includes(pid))], [3, []]);
    });
    const killed = await replies('kill', { name: 'tier=web', waiting: true });
    assert.deepEqual(Object.values(killed), [{ status: 'ok' }, { status: 'ok' }]);
    const { jobs } = await ask('jobs', { name: 'one', all: true });
    assert.deepEqual((jobs as readonly { watchers: unknown }[])[0]!.watchers, ['one', 'web']);
    assert.deepEqual(Object.keys(await replies('rm', { name: '@nightly', waiting: true })), ['rest', 'web']);
    assert.deepEqual((await ask('list'))['watchers'], ['db', 'one']);
  });

  it('filter events', async () => {
    await done('restart', { name: 'db' });
    const seen = async (watcher: string) => {
      const { events } = await ask('events', { watcher });
      return new Set((events as readonly { topic: string }[]).map(({ topic }) => topic.split('.')[1]));
    };
    assert.deepEqual(await seen('@api'), new Set(['one', 'web']));
    assert.deepEqual(await seen('team=a'), new Set(['db', 'web']));
    assert.equal((await refusal('events', { watcher: '@none' }))[0], 3);
  });

  it('are told by groups, status and explain', async () => {
    assert.deepEqual(await bare('groups'), {
      status: 'ok',
      groups: {
        api: { one: 'active', web: 'active' },
        data: { db: 'active' },
        nightly: { rest: 'stopped', web: 'active' },
      },
    });
    const { groups } = await ask('status');
    assert.deepEqual(groups, { db: ['data'], one: ['api'], rest: ['nightly'], web: ['api', 'nightly'] });
    const { groups: own, labels, text } = await ask('explain', { name: 'web' });
    assert.deepEqual([own, labels], [['api', 'nightly'], { tier: 'web', team: 'a' }]);
    assert.match(String(text), /^Commands mean it by @api, @nightly, tier=web, team=a too\.$/m);
  });

  it('change at run time, without a process that notices', async () => {
    const before = await pids('db');
    await done('set', { name: 'db', options: { group: ['late', 'api'], 'label.team': 'c' } });
    assert.deepEqual(
      [await names('@api'), await names('@late'), await names('team=c')],
      [['db', 'one', 'web'], ['db'], ['db']],
    );
    await done('set', { name: '@late', options: { group: '', 'label.team': null } });
    assert.deepEqual([await names('@api'), await pids('db')], [['one', 'web'], before]);
    await done('add', { name: 'new', cmd: 'sleep 600', options: { group: 'api', 'label.tier': 'new' } });
    assert.deepEqual([await names('@api'), await names('tier=new')], [['one', 'web', 'new'], ['new']]);
    const [errno, reason] = await refusal('set', { name: 'db', options: { group: 'a@b' } });
    assert.equal(errno, 5);
    assert.match(String(reason), /"group" must be names of groups .*, without .*, and has "a@b"/);
    assert.equal((await refusal('set', { name: 'db', options: { 'label.team': 'a b' } }))[0], 5);
    assert.equal((await refusal('add', { name: 'x', cmd: 'true', options: { group: {} } }))[0], 5);
  });

  it('are saved and listed', async () => {
    await done('set', { name: 'db', options: { group: 'late' } });
    const { saved } = await ask('save', { name: 'db' });
    assert.deepEqual(saved, [{ watcher: 'db', keys: [{ key: 'group', before: 'data', after: 'late' }] }]);
  });
});
