import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Reply } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const ini = (use: string) => `
[endpoint:web]
address = ipc://$(circus.env.HOME)/web
role = operate
watchers = w

[plugin:calm]
use = ${use}
attempts = 3
max_retry = 1
singleton = False

[watcher:w]
cmd = sleep 600
`;
const ours = 'circus.plugins.flapping.Flapping';
const name = 'plugin:calm';

describe("a plugin of Circus's that runs in the daemon", () => {
  const start = daemonPerTest();
  closeClients();

  async function begin(use = ours) {
    const daemon = await start(ini(use));
    const client = connect(daemon);
    const ok = async (command: string, properties: Reply = {}) => {
      const reply = await client.ask(command, properties);
      assert.notEqual(reply['status'], 'error', String(reply['reason']));
      return reply;
    };
    await eventually(async () => assert.equal((await ok('status', { name: 'w' }))['status'], 'active'));
    const rewrite = (change: (text: string) => string) => {
      const { path } = daemon.folder;
      daemon.folder.write('circus.ini', change(readFileSync(`${path}/circus.ini`, 'utf8')));
    };
    return { daemon, client, ok, rewrite };
  }

  it("is a watcher to Circus's clients, with Circus's options and no process", async () => {
    const { ok } = await begin();
    assert.deepEqual((await ok('list'))['watchers'], [name, 'w']);
    assert.deepEqual((await ok('status'))['statuses'], { w: 'active', [name]: 'active' });
    assert.equal((await ok('status', { name: 'PLUGIN:calm' }))['status'], 'active');
    assert.equal((await ok('numwatchers'))['numwatchers'], 2);
    assert.equal((await ok('numprocesses'))['numprocesses'], 2);
    assert.equal((await ok('numprocesses', { name }))['numprocesses'], 1);
    assert.deepEqual((await ok('list', { name }))['pids'], []);
    assert.deepEqual((await ok('stats', { name }))['info'], {});
    assert.deepEqual(((await ok('stats'))['infos'] as Reply)[name], {});
    const options = (await ok('options', { name }))['options'] as Reply;
    const asked = ['priority', 'singleton', 'copy_env', 'numprocesses', 'close_child_stdout', 'cmd', 'attempts'];
    const known = Object.fromEntries(asked.map((key) => [key, options[key]]));
    assert.deepEqual(known, {
      priority: 1,
      singleton: true,
      copy_env: true,
      numprocesses: 1,
      close_child_stdout: true,
      cmd: ours,
      attempts: '3',
    });
    assert.deepEqual((await ok('get', { name, keys: ['max_retry', 'attempts'] }))['options'], {
      max_retry: 1,
      attempts: '3',
    });
  });

  it('is unloaded and loaded by stop, start and restart, alone and with all others', async () => {
    const { client, ok, rewrite } = await begin();
    const states = async () => (await ok('status'))['statuses'];
    const loaded = async () => (await ok('numprocesses', { name }))['numprocesses'];
    assert.equal((await ok('stop', { name, waiting: true }))['info'], null);
    assert.deepEqual([await states(), await loaded()], [{ w: 'active', [name]: 'stopped' }, 0]);
    assert.deepEqual((await ok('start', { name, waiting: true }))['info'], { started: [], kept: [] });
    assert.deepEqual([await states(), await loaded()], [{ w: 'active', [name]: 'active' }, 1]);
    await ok('restart', { name: 'plugin:*', waiting: true });
    await ok('stop', { waiting: true });
    assert.deepEqual(await states(), { w: 'stopped', [name]: 'stopped' });
    await ok('reloadconfig', { waiting: true });
    assert.deepEqual(await states(), { w: 'stopped', [name]: 'stopped' });
    rewrite((text) => text.replace('attempts = 3', 'attempts = 4'));
    await ok('reloadconfig', { waiting: true });
    assert.deepEqual(await states(), { w: 'stopped', [name]: 'active' });
    assert.deepEqual((await ok('get', { name, keys: ['attempts'] }))['options'], { attempts: '4' });
    rewrite((text) => text.replace(/\[plugin[^]*\n\n/, ''));
    await ok('reloadconfig', { waiting: true });
    assert.deepEqual(await states(), { w: 'stopped' });
    assert.equal((await client.ask('stop', { name }))['reason'], `program ${name} not found`);
  });

  it('tells what to do where a command needs a process, and is hidden from who is for other watchers', async () => {
    const { daemon, client } = await begin();
    for (const command of ['rm', 'incr', 'kill', 'reload', 'explain']) {
      const { errno, reason } = await client.ask(command, { name, waiting: true });
      assert.equal(errno, 5);
      const what = `plugin:calm runs in circusd, so there is no '${command}' for it`;
      assert.equal(reason, `${what}: change [plugin:calm] in the file, or take it out, and say reloadconfig`);
    }
    const other = connect({ endpoint: `ipc://${daemon.folder.path}/web` });
    assert.deepEqual((await other.ask('list'))['watchers'], ['w']);
    assert.equal((await other.ask('numwatchers'))['numwatchers'], 1);
    assert.equal((await other.ask('stop', { name }))['reason'], `program ${name} not found`);
  });

  it('is no watcher when its section has our name for it', async () => {
    const { ok } = await begin('flapping');
    assert.deepEqual((await ok('list'))['watchers'], ['w']);
    assert.equal((await ok('numprocesses'))['numprocesses'], 1);
  });
});
