import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { runCircusd } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { environmentOf } from '../support/proc.js';
import { makeTemporary } from '../support/temporary.js';
import { closeClients, connect, listen } from './client.js';
import { daemonPerTest } from './daemon.js';
import { install } from './packages.js';

const watchers = `
[watcher:door]
cmd = sh -c 'echo "greeting: $GREETING"; exec sleep 600'
copy_env = True
greeter.repeat = 2
salutation = world

[watcher:hall]
cmd = sleep 600
copy_env = True

[watcher:unwelcome]
cmd = sleep 600
copy_env = True
`;
const prepare = install('circusd-plugin-greeter', 'circusd-plugin-parrot');
const greeter = (options = '') => `[plugin:greeter]\nuse = circusd-plugin-greeter\n${options}\n`;

/** What `circusd --check` says of a configuration beside the packages. */
async function check(ini: string, files: Readonly<Record<string, string>> = {}) {
  const folder = makeTemporary();
  try {
    prepare(folder);
    for (const [name, text] of Object.entries(files)) folder.write(name, text);
    const { code, stdout, stderr } = await runCircusd(['--check', folder.write('circus.ini', ini)]);
    return { code, text: `${stdout}${stderr}`.replaceAll(`${folder.path}/`, '') };
  } finally {
    folder.remove();
  }
}

describe('a plugin from an npm package', () => {
  const start = daemonPerTest();
  closeClients();

  it('is told by its hooks, changes what is spawned and may refuse a start', async () => {
    const daemon = await start(`${greeter()}${watchers}`, { prepare });
    const client = connect(daemon);
    await eventually(async () => {
      const { statuses } = await client.ask('status');
      assert.deepEqual(statuses, { door: 'active', hall: 'active', unwelcome: 'stopped' });
    });
    await eventually(() => assert.match(daemon.log, /greeting: hello world, hello world/));
    const { results } = await client.ask('greetings');
    assert.deepEqual([...(results as string[])].sort(), [
      'added door',
      'added hall',
      'added unwelcome',
      'spawned door',
      'spawned hall',
      'start',
    ]);
    await eventually(() => assert.match(daemon.log, /hook \\"beforeStart\\" refused: greeter/));
    assert.equal(await daemon.stop(), 0);
    assert.match(daemon.log, /greeted 2, told .*reaped door stopped/);
  });

  it('adds commands that answer over the wire, at once or when they are done', async () => {
    const daemon = await start(`${greeter('greeting = good day')}${watchers}`, { prepare });
    const client = connect(daemon);
    const { greeting, status } = await client.ask('greet', { name: 'HALL' });
    assert.deepEqual([status, greeting], ['ok', 'good day hall']);
    assert.equal((await client.ask('GREET', { name: 'door' }))['greeting'], 'good day world, good day world');

    const missing = await client.ask('greet', {});
    assert.deepEqual([missing['errno'], missing['reason']], [3, "message invalid 'name' is missing"]);
    const wrong = await client.ask('greet', { name: 5 });
    assert.deepEqual([wrong['errno'], wrong['reason']], [5, "'name' is a text"]);
    const unknown = await client.ask('greet', { name: 'nobody' });
    assert.deepEqual([unknown['errno'], unknown['reason']], [3, 'watcher "nobody" is not there']);

    const listener = await listen(daemon, 'hall', 'watcher.');
    assert.equal((await client.ask('applaud', { name: 'hall' }))['claps'], undefined);
    const { payload } = await listener.next('watcher.hall.applause');
    assert.match(String(payload['by']), /^operator \(job \d+\)$/);
    assert.equal((await client.ask('applaud', { name: 'hall', waiting: true }))['claps'], 3);
  });

  it('hands its service to another plugin, whichever is written first', async () => {
    const parrot = '[plugin:parrot]\nuse = circusd-plugin-parrot\n';
    const daemon = await start(`${parrot}${greeter('greeting = ahoy')}${watchers}`, { prepare });
    assert.equal((await connect(daemon).ask('parrot'))['said'], 'ahoy! ahoy!');
  });

  it('is missed by the plugin that needs it, and by nobody else', async () => {
    const daemon = await start(`[plugin:parrot]\nuse = circusd-plugin-parrot\n${watchers}`, { prepare });
    const missed = /plugin \\"parrot\\" needs service \\"greeter\\", which no loaded plugin provides/;
    await eventually(() => assert.match(daemon.log, missed));
    const client = connect(daemon);
    await eventually(async () =>
      assert.deepEqual((await client.ask('status', { name: 'unwelcome' }))['status'], 'active'),
    );
    assert.equal((await client.ask('parrot'))['errno'], 2);
  });

  it('owns its watcher keys and sections: nobody warns of them', async () => {
    const { code, text } = await check(`${greeter()}${watchers}\n[guest:anna]\nseat = 3\n`);
    assert.match(text, /^circus.ini: nothing is wrong\nnotice: .*\n$/);
    assert.equal(code, 0);
    const without = await check(watchers);
    assert.match(without.text, /circus.ini:5:1: .*"greeter.repeat" is not an option of a watcher/);
  });

  it('has a bad option told with file and line, and the daemon runs without it', async () => {
    const ini = `${greeter('repeat = 12\ngreting = hi')}${watchers}`;
    const { code, text } = await check(ini);
    assert.match(text, /circus.ini:3:\d+: .*option "repeat" of plugin "greeter": "12" is not 1 to 9/);
    assert.match(text, /circus.ini:4:\d+: .*option "greting" of plugin "greeter": there is no option "greting"/);
    assert.equal(code, 1);

    const daemon = await start(ini, { prepare });
    const client = connect(daemon);
    assert.equal((await client.ask('greet', { name: 'hall' }))['errno'], 2);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'hall' }))['status'], 'active'));
  });

  it('has a watcher’s bad option told with file and line, and the daemon goes by those of the section', async () => {
    const ini = `${greeter('greeting = ahoy')}${watchers.replace('greeter.repeat = 2', 'greeter.repeat = 12\ngreeter.gruss = 1')}`;
    const { code, text } = await check(ini);
    assert.match(text, /circus.ini:8:18: "greeter.repeat" has no effect: "12" is not 1 to 9\n/);
    assert.match(text, /circus.ini:9:17: "greeter.gruss" has no effect: there is no option "gruss"\n/);
    assert.equal(code, 1);
    const moody = `export default { name: 'moody', apply() {}, options: { '~standard': { version: 1, vendor: 'x',
      validate(value) { if (value.mood) throw new Error('bad mood'); return { value }; } } } };`;
    const thrown = await check('[plugin:moody]\nuse = ./moody.mjs\n[watcher:a]\ncmd = sleep 600\nmoody.mood = 1\n', {
      'moody.mjs': moody,
    });
    assert.match(thrown.text, /circus.ini:5:14: "moody.mood" has no effect: bad mood\n/);
    const daemon = await start(ini, { prepare });
    await eventually(() => assert.match(daemon.log, /greeting: ahoy world\n/));
  });

  it('that is not there is an error with the nearest name, and one that can’t be loaded says why', async () => {
    const wrong = async (use: string, text = '') => check(`[plugin:x]\nuse = ${use}\n`, { 'x.mjs': text });
    assert.match(
      (await wrong('flaping')).text,
      /circus.ini:2:\d+: .*plugin "flaping" is neither one of ours \(did you mean "flapping"\?\) nor a package/,
    );
    assert.match((await wrong('./y.mjs')).text, /circus.ini:2:\d+: .*"\.\/y\.mjs"/);
    assert.match(
      (await wrong('./x.mjs', 'export const a = 1')).text,
      /circus.ini:2:\d+: .*"\.\/x\.mjs" is not a plugin/,
    );
    for (const name of ['limits', 'controller', 'health', 'watchdog'])
      assert.match(
        (await wrong('./x.mjs', `export default { name: '${name}', apply() {} }`)).text,
        new RegExp(`circus.ini:2:\\d+: .*"\\./x\\.mjs" calls itself "${name}", which is the name of a plugin of ours`),
      );
    assert.match((await wrong('./x.mjs', 'throw new Error("no")')).text, /could not be imported: no; .*left out/);
  });

  it('that fails in apply gives back what it had, is told, and missed by nobody', async () => {
    const file = `
      export default {
        name: 'local',
        async apply({ hooks, defer, log }) {
          hooks.beforeSpawn.tap('local', () => false);
          defer(() => log.info('given back'));
          throw new Error('no luck today');
        },
      };`;
    const ini = `[plugin:local]\nuse = ./local-plugin.mjs\n${watchers}`;
    const daemon = await start(ini, { prepare, files: { 'local-plugin.mjs': file } });
    await eventually(() => assert.match(daemon.log, /given back[^]*no luck today; \[plugin:local\] is left out/));
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'hall' }))['status'], 'active'));
    const problems = async () => (await client.ask('status'))['problems'];
    assert.match(String(await problems()), /^error: .*circus\.ini:\d+:1: no luck today; \[plugin:local\] is left out$/);
    // It is tried again as long as it fails.
    const { reason } = await client.ask('reloadconfig', { waiting: true });
    assert.match(String(reason), /circus\.ini:\d+:1: no luck today; \[plugin:local\] is left out$/);
    assert.match(String(await problems()), /no luck today; \[plugin:local\] is left out$/);
  });

  it('that can’t be applied with new options leaves the one that is there, until the options are good', async () => {
    const file = `
      export default {
        name: 'local',
        apply({ hooks }, { colour }) {
          if (colour === 'red') throw new Error('red is out');
          hooks.spawnSpec.tap('local', (spec) => ({ ...spec, env: { ...spec.env, COLOUR: colour } }));
        },
      };`;
    const ini = (colour: string) => `[plugin:local]\nuse = ./local-plugin.mjs\ncolour = ${colour}\n${watchers}`;
    const daemon = await start(ini('blue'), { prepare, files: { 'local-plugin.mjs': file } });
    const client = connect(daemon);
    const written = readFileSync(`${daemon.folder.path}/circus.ini`, 'utf8');
    const colourAfter = async (colour: string) => {
      daemon.folder.write('circus.ini', written.replace('blue', colour));
      const { status } = await client.ask('reloadconfig', { waiting: true });
      await client.ask('restart', { name: 'hall', waiting: true });
      const { pids } = await client.ask('list', { name: 'hall' });
      return [status, environmentOf((pids as number[])[0]!)['COLOUR']];
    };
    assert.deepEqual(await colourAfter('red'), ['error', 'blue']);
    assert.match(daemon.log, /circus\.ini:\d+:1: red is out; \[plugin:local\] stays as it was/);
    assert.deepEqual(await colourAfter('green'), ['ok', 'green']);
  });

  it('may be a file beside the configuration, which imports circusd too', async () => {
    const file = `
      import { definePlugin, service } from 'circusd';
      export default definePlugin({
        name: 'local',
        needs: { controller: service('controller') },
        apply({ hooks, services: { controller } }, options) {
          hooks.spawned.tap('local', (process, { name }) => controller.publish(name, 'noticed', { pid: process.pid, ...options }));
        },
      });`;
    const ini = `[plugin:local]\nuse = ./local-plugin.mjs\ncolour = blue\n${watchers}`;
    const daemon = await start(ini, { prepare, files: { 'local-plugin.mjs': file } });
    const listener = await listen(daemon, 'hall', 'watcher.');
    await connect(daemon).ask('restart', { name: 'hall', waiting: true });
    const { payload } = await listener.next('watcher.hall.noticed');
    assert.equal(payload['colour'], 'blue');
    assert.equal(typeof payload['pid'], 'number');
  });
});
