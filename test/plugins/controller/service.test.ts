import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Arbiter, definePlugin, Host, watcherSpec, type Log } from '#core';
import controller from '#plugins/controller/index.js';
import { Controller, type Command, type ControllerService } from '#plugins/controller/service.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';

const quiet: Log = { debug() {}, info() {}, warn() {}, error() {} };
const pong: Command = {
  name: 'ping',
  summary: 'answer',
  role: 'view',
  properties: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } },
  words: [],
  flags: [],
  reply: 'pong',
  run: (_, { by }) => ({ pong: by }),
};

describe('the service of the controller', () => {
  const temporary = temporaryPerTest();
  closeClients();
  let arbiter: Arbiter;
  let host: Host;
  let service: ControllerService;
  const friend = definePlugin({
    name: 'friend',
    needs: { controller: Controller },
    apply({ services, defer }) {
      service = services.controller;
      defer(service.addCommand(pong));
    },
  });
  const options = () => ({
    endpoint: `ipc://${temporary.path}/control`,
    pubsub_endpoint: `ipc://${temporary.path}/events`,
  });

  beforeEach(async () => {
    arbiter = new Arbiter();
    host = new Host(arbiter, () => quiet);
    arbiter.add(watcherSpec({ name: 'web', cmd: 'sleep 600' }));
    assert.deepEqual(await host.load([{ plugin: friend }, { plugin: controller, options: options() }]), []);
  });
  afterEach(async () => {
    await arbiter.stop();
    await host.close();
    arbiter.close();
  });

  it('goes on with its events and ends when the plugin is reloaded', async () => {
    const watcher = arbiter.get('web');
    await watcher.start().result;
    await service.execute('kill', { name: 'web', waiting: true }, 'web page');
    const ask = async (command: string, properties: unknown) => service.execute(command, properties, 'x');
    const before = [await ask('events', {}), await ask('history', { name: 'web' })];
    await host.reload('controller', { plugin: controller, options: options() });
    service.publish('web', 'more');
    const { last, events, ...rest } = await ask('events', {});
    const { last: known, events: old } = before[0]!;
    assert.deepEqual([last, rest['boot'], rest['missed']], [Number(known) + 1, arbiter.id, 0]);
    assert.deepEqual((events as unknown[]).slice(0, -1), old);
    assert.deepEqual(await ask('history', { name: 'web' }), before[1]);
    assert.match((before[1]!['exits'] as { by: string }[])[0]!.by, /^web page \(job \d+\)$/);
  });

  it('tells where commands are taken', () => {
    assert.equal(service.endpoint, options().endpoint);
  });

  it('executes commands as the wire does, for whoever asks', async () => {
    assert.deepEqual(await service.execute('numwatchers', {}, 'web page'), { numwatchers: 1 });
    assert.deepEqual(await service.execute('PING', {}, 'web page'), { pong: 'web page' });
    await assert.rejects(service.execute('nothing', {}, 'x'), { errno: 2 });
    await assert.rejects(service.execute('list', { name: 'nobody' }, 'x'), { errno: 3 });
    assert.deepEqual(await service.execute('incr', { name: 'web', waiting: true }, 'web page'), { numprocesses: 2 });
    assert.deepEqual(
      [...arbiter.operations.values()].map(({ kind, by }) => [kind, by]),
      [['resize', 'web page (job 1)']],
    );
  });

  it('tells what may be asked, with roles and properties', () => {
    assert.equal(service.commands.get('ping'), pong);
    const roles = new Set([...service.commands.values()].map(({ role }) => role));
    assert.deepEqual([...roles].sort(), ['admin', 'operate', 'view']);
  });

  it('answers without a configuration that it could read again', async () => {
    for (const command of ['plan', 'reloadconfig'])
      await assert.rejects(service.execute(command, {}, 'x'), {
        errno: 5,
        message: 'this daemon was not started from a configuration file',
      });
  });

  it('loses a command with the plugin that added it', async () => {
    const client = connect(options());
    assert.equal((await client.ask('ping'))['pong'], 'operator');
    await host.unload('friend');
    assert.equal((await client.ask('ping'))['errno'], 2);
    await host.load([{ plugin: friend }]);
    assert.equal((await client.ask('ping'))['pong'], 'operator');
  });

  it('goes with the controller, which leaves no socket and may come back', async () => {
    assert.deepEqual(await host.unload('controller'), []);
    assert.deepEqual(host.plugins, []);
    for (const name of ['control', 'events']) assert.equal(existsSync(`${temporary.path}/${name}`), false);
    await host.load([{ plugin: controller, options: options() }]);
    assert.equal((await connect(options()).ask('numwatchers'))['numwatchers'], 1);
  });

  it('gives back what it had bound when it can’t have all', async () => {
    await host.unload('controller');
    const [failure] = await host.load([{ plugin: controller, options: { ...options(), endpoint: 'udp://x' } }]);
    assert.match(String(failure?.error), /option "endpoint": "udp:\/\/x" is neither/);
    assert.equal(existsSync(`${temporary.path}/events`), false);
  });
});
