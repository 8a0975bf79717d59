import assert from 'node:assert/strict';
import { watcherSpec } from '#core';
import { checkOwner } from '#plugins/controller/owner.js';
import { freePort } from '../../support/ports.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const uid = String(process.getuid!());
const owner = `[circus]\nendpoint_owner = ${uid}\n`;
const mismatch = [3, 'uid does not match endpoint_owner'];

describe('the owner of an endpoint', () => {
  const start = daemonPerTest();
  closeClients();
  const outcome = async (client: Client, command: string, properties: unknown) => {
    const { status, errno, reason } = await client.ask(command, properties);
    return status === 'ok' ? 'ok' : [errno, reason];
  };

  it('may add watchers that run as the owner, and no others', async () => {
    const client = connect(await start(owner));
    const add = (options: unknown) => outcome(client, 'add', { name: 'x', cmd: 'sleep 600', options });
    assert.deepEqual(await add({}), mismatch);
    for (const other of ['nobody', 12_345]) assert.deepEqual(await add({ uid: other }), mismatch);
    assert.deepEqual(await add({ uid, gid: 0 }), [3, "'gid' can't be set where endpoint_owner is"]);
    assert.deepEqual(await add({ uid, rlimit_nofile: 9 }), [3, "'rlimit_nofile' can't be set where endpoint_owner is"]);
    const limit = { uid, 'cgroup.memory_max': 'max' };
    assert.deepEqual(await add(limit), [3, "'cgroup.memory_max' can't be set where endpoint_owner is"]);
    assert.equal(await add({ uid, env: { A: 'b' } }), 'ok');
  });

  it('may change what such a watcher does, and of others only how they are kept', async () => {
    const client = connect(await start(`${owner}[watcher:web]\ncmd = sleep 600\n`));
    await client.ask('add', { name: 'own', cmd: 'sleep 600', options: { uid } });
    const set = (name: string, options: unknown) => outcome(client, 'set', { name, options, waiting: true });
    const decisive = { cmd: 'sleep 7', args: ['7'], env: { A: 'b' }, shell: true };
    for (const [key, value] of Object.entries(decisive)) {
      assert.deepEqual(await set('web', { [key]: value }), mismatch, key);
      assert.deepEqual(await set('web', { uid, [key]: value }), mismatch, key);
      assert.equal(await set('own', { [key]: value }), 'ok', key);
    }
    assert.deepEqual(await set('web', { uid }), mismatch);
    for (const [key, value] of Object.entries({
      'hooks.before_start': 'x',
      'stdout_stream.filename': 'x',
      working_dir: '/',
      copy_env: true,
      capabilities: '+all',
      oom_score_adj: -500,
      'reload.drain': 'exec:true',
      uid,
    }))
      assert.deepEqual(await set('own', { [key]: value }), [3, `'${key}' can't be set where endpoint_owner is`]);
    assert.equal(await set('web', { numprocesses: 2, graceful_timeout: 1, max_retry: 3 }), 'ok');
    assert.equal(await set('web', { 'reload.batch': 2, 'reload.canary_time': null }), 'ok');
  });

  it('does not change watchers that have more than is his', async () => {
    const more = {
      hooked: ['env', 'hooks.before_stop = exec:true', 'hooks, which run as the daemon'],
      drained: ['env', 'reload.drain = exec:true', 'hooks, which run as the daemon'],
      grouped: ['cmd', 'groups = 0', "'groups'"],
      ranked: ['args', 'gid = 12345', "'gid'"],
      trusted: ['env', 'secret.A = ./secret', 'secrets'],
    } as const;
    const sections = Object.entries(more).map(
      ([name, [, line]]) => `[watcher:${name}]\ncmd = sleep 600\nautostart = False\nuid = ${uid}\n${line}\n`,
    );
    const client = connect(await start(owner + sections.join(''), { files: { secret: 'x' } }));
    const values = { env: { A: 'b' }, cmd: 'sleep 7', args: ['7'], shell: true };
    for (const [name, [key, , has]] of Object.entries(more)) {
      const options = { [key]: values[key] };
      const reason = `'${key}' can't be set where endpoint_owner is: the watcher has ${has}`;
      assert.deepEqual(await outcome(client, 'set', { name, options }), [3, reason]);
    }
    assert.equal(await outcome(client, 'set', { name: 'hooked', options: { cmd: 'sleep 7' } }), 'ok');
    const able = { ...watcherSpec({ name: 'able', cmd: 'true' }), options: { uid, capabilities: 'net_bind_service' } };
    assert.throws(() => checkOwner(uid, ['cmd'], able), /the watcher has 'capabilities'/);
  });

  it('is nobody in particular where the endpoint is no file', async () => {
    const port = await freePort();
    const client = connect(await start(`[circus]\nendpoint = tcp://127.0.0.1:${port}\nendpoint_owner = ${uid}\n`));
    assert.equal(await outcome(client, 'add', { name: 'x', cmd: 'sleep 600' }), 'ok');
  });
});
