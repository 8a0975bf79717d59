import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { runCircusd, withEndpoints } from '../../support/circusd.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const watchers = `
[watcher:web]
cmd = sleep 600

[watcher:job]
cmd = sleep 600
`;
const section = (name: string, lines: string) => `[endpoint:${name}]\naddress = ipc://./${name}.sock\n${lines}\n`;

describe('the endpoints of the controller', () => {
  const temporary = temporaryPerTest();
  const start = daemonPerTest();
  closeClients();
  const at = (folder: string, name: string) => connect({ endpoint: `ipc://${folder}/${name}.sock` });
  const refusal = async (client: Client, command: string, properties?: unknown) => {
    const { status, errno, reason } = await client.ask(command, properties);
    return status === 'error' ? [errno, reason] : status;
  };

  it('let a viewer look, and do nothing, whatever it sends', async () => {
    const daemon = await start(`${section('look', 'role = view')}${watchers}`);
    const viewer = at(daemon.folder.path, 'look');
    assert.deepEqual((await viewer.ask('list'))['watchers'], ['job', 'web']);
    const no = (command: string, role: string) => [
      5,
      `"${command}" needs the role ${role}, and endpoint look has the role view`,
    ];
    for (const command of [
      'start',
      'stop',
      'restart',
      'reload',
      'incr',
      'decr',
      'signal',
      'kill',
      'set',
      'cancel',
      'plan',
    ])
      assert.deepEqual(await refusal(viewer, command, { name: 'web' }), no(command, 'operate'));
    for (const command of ['add', 'rm', 'quit', 'reloadconfig', 'save'])
      assert.deepEqual(await refusal(viewer, command, { name: 'web' }), no(command, 'admin'));
    // What another client's identity, role or endpoint would be, if frames said it.
    const forged = JSON.stringify({
      id: 'f',
      command: 'quit',
      role: 'admin',
      by: 'operator',
      properties: { role: 'admin' },
    });
    await viewer.send(forged);
    assert.equal((await viewer.answer('f'))['errno'], 5);
    for (const extra of ['operator', '', '\0operator']) await viewer.send(extra, forged);
    assert.equal((await viewer.ask('numwatchers'))['numwatchers'], 2);
    await eventually(() => assert.match(daemon.log, /got a message of 2 frames/));
    assert.match(daemon.log, /endpoint look .*: start: refused, as its role/);
  });

  it('show a viewer the names of variables, and none of their values', async () => {
    const secret = '[watcher:mail]\ncmd = sleep 600\nenv.TOKEN = sesame\n';
    const daemon = await start(`${section('look', 'role = view')}${section('ops', 'role = operate')}${secret}`);
    const envOf = async (client: Client, command: string) =>
      (await client.ask(command, { name: 'mail', keys: ['env'] }))['options'] as { readonly env: unknown };
    for (const command of ['options', 'get']) {
      assert.deepEqual((await envOf(at(daemon.folder.path, 'look'), command)).env, { TOKEN: '***' });
      assert.deepEqual((await envOf(at(daemon.folder.path, 'ops'), command)).env, { TOKEN: 'sesame' });
    }
  });

  it('let an operator act, and not change what is run', async () => {
    const daemon = await start(`${section('ops', 'role = operate')}${watchers}`);
    const operator = at(daemon.folder.path, 'ops');
    assert.equal(
      await refusal(operator, 'set', { name: 'web', options: { numprocesses: 2, max_age: 5 }, waiting: 1 }),
      'ok',
    );
    const powerful = { cmd: 'x', uid: 'root', env: { A: 'b' }, 'hooks.before_start': 'x', working_dir: '/' };
    for (const [key, value] of Object.entries(powerful))
      assert.deepEqual(await refusal(operator, 'set', { name: 'web', options: { [key]: value } }), [
        5,
        `'${key}' needs the role admin`,
      ]);
    assert.equal(await refusal(operator, 'restart', { name: 'web', waiting: true }), 'ok');
  });

  it('are for some watchers only, where the section says so', async () => {
    const daemon = await start(`${section('jobs', 'role = operate\nwatchers = j*, cron')}${watchers}`);
    const operator = at(daemon.folder.path, 'jobs');
    assert.deepEqual((await operator.ask('list'))['watchers'], ['job']);
    assert.deepEqual(Object.keys((await operator.ask('status'))['statuses'] as object), ['job']);
    for (const command of ['list', 'stop', 'options', 'stats', 'signal'])
      assert.deepEqual(await refusal(operator, command, { name: 'web', signum: 9 }), [3, 'program web not found']);
    const all = connect(daemon);
    await all.ask('stop', { name: 'web', waiting: true });
    // Of jobs it knows its own, and those about one of its watchers.
    const known = (await operator.ask('jobs', { all: true }))['jobs'] as { readonly by: string }[];
    assert.deepEqual(
      known.filter(({ by }) => by !== 'endpoint jobs'),
      [],
    );
    const { jobs } = await all.ask('jobs', { all: true, name: 'web' });
    const { id } = (jobs as { id: number; by: string }[]).find(({ by }) => by === 'operator')!;
    assert.deepEqual(await refusal(operator, 'job', { id }), [3, `job ${id} not found`]);
    assert.equal(await refusal(operator, 'stop', { waiting: true }), 'ok');
    assert.deepEqual(await refusal(operator, 'plan'), [
      5,
      '"plan" is about the whole daemon, and endpoint jobs is for some watchers only',
    ]);
  });

  it('do not let somebody end what he may not begin, nor what is about more than his watchers', async () => {
    const slow = '[watcher:slow]\ncmd = sleep 600\nwarmup_delay = 600\nnumprocesses = 2\nautostart = False\n';
    const sections = `${section('ops', 'role = operate')}${section('some', 'role = operate\nwatchers = web')}`;
    const daemon = await start(`${sections}${slow}${watchers}`);
    const admin = connect(daemon);
    const beginning = async (command: string, properties: unknown) => (await admin.ask(command, properties))['job'];
    const added = await beginning('add', {
      name: 'new',
      cmd: 'sleep 1',
      options: { warmup_delay: 600, numprocesses: 2 },
      start: true,
    });
    const operator = at(daemon.folder.path, 'ops');
    assert.deepEqual(await refusal(operator, 'cancel', { id: added }), [
      5,
      `job ${added} was begun by "add", which needs the role admin`,
    ]);
    const started = await beginning('start', { name: 'slow' });
    const restricted = at(daemon.folder.path, 'some');
    for (const id of [added, started])
      assert.deepEqual(await refusal(restricted, 'cancel', { id }), [3, `job ${id} not found`]);
    assert.equal(await refusal(operator, 'cancel', { id: started }), 'ok');
    assert.equal(await refusal(connect(daemon), 'cancel', { id: added }), 'ok');
  });

  it('have an owner, a group and a mode', async () => {
    const gid = process.getgid!();
    const daemon = await start(`${section('team', `role = view\ngroup = ${gid}\nmode = 0660`)}${watchers}`);
    const file = statSync(`${daemon.folder.path}/team.sock`);
    assert.deepEqual([file.mode & 0o777, file.gid], [0o660, gid]);
    assert.equal(statSync(`${daemon.folder.path}/control`).mode & 0o777, 0o600);
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['address = ipc://./x.sock\nrole = boss', /circus\.ini:\d+:\d+: .*boss\\" is not a role: view, operate or admin/],
    ['role = view', /circus\.ini:\d+:\d+: .*it has no address/],
    ['address = ipc://./x.sock', /circus\.ini:\d+:\d+: .*it has no role/],
    [
      'address = ipc://./x.sock\nrole = view\nrol = view',
      /circus\.ini:\d+:\d+: .*there is no such option; there are address/,
    ],
    [
      'address = ipc://./x.sock\nrole = admin\nwatchers = a',
      /circus\.ini:\d+:\d+: .*the role admin is for all watchers/,
    ],
    ['address = ipc://./x.sock\nrole = view\nmode = rwx', /circus\.ini:\d+:\d+: .*rwx\\" is not a mode such as 0660/],
    [
      'address = ipc://./x.sock\nrole = view\ngroup = none-at-all',
      /circus\.ini:\d+:\d+: .*there is no group \\"none-at-all/,
    ],
    ['address = tcp://0.0.0.0:0\nrole = view', /circus\.ini:\d+:\d+: .*can be reached from other machines/],
    ['address = tcp://127.0.0.1:1\nrole = view\nmode = 0600', /circus\.ini:\d+:\d+: .*are those of a Unix socket/],
  ];
  for (const [lines, message] of wrong)
    it(`refuse to start with ${lines.split('\n').join(', ')}`, async () => {
      const { text } = withEndpoints(`[endpoint:x]\n${lines}\n${watchers}`, temporary.path);
      const file = temporary.write('circus.ini', text);
      const { code, stderr } = await runCircusd([file], { cwd: temporary.path });
      assert.equal(code, 4);
      assert.match(stderr, message);
    });

  it('warn of a loopback address, which is open to every user of the machine', async () => {
    const port = await freePort();
    const daemon = await start(`[circus]\nendpoint = tcp://127.0.0.1:${port}\n${watchers}`);
    assert.equal(daemon.log.match(/every user of this machine can use tcp:\/\/127\.0\.0\.1/g)?.length, 1);
  });
});
