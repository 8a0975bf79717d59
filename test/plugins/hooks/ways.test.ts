import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { files } from './kinds.js';

describe('the ways to write a hook', () => {
  const start = daemonPerTest();
  closeClients();
  let daemon: Circusd;
  let client: Client;
  const begin = async (lines: readonly string[], more: Readonly<Record<string, string>> = {}, ini = '') => {
    const web = `[watcher:web]\ncmd = sleep 600\nautostart = False\n${lines.join('\n')}\n`;
    const prepare = (folder: Parameters<NonNullable<typeof files.prepare>>[0]) => {
      files.prepare!(folder);
      for (const name of Object.keys(more)) if (name.endsWith('.sh')) chmodSync(join(folder.path, name), 0o755);
      mkdirSync(join(folder.path, 'node_modules', 'shared-hooks'), { recursive: true });
      writeFileSync(join(folder.path, 'node_modules', 'shared-hooks', 'index.js'), 'exports.ready = () => 1;');
    };
    daemon = await start(web + ini, { files: { ...files.files, ...more }, prepare });
    client = connect(daemon);
  };
  const startWeb = () => client.ask('start', { name: 'web', waiting: true });
  const assertUp = async () => {
    await startWeb();
    assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active', daemon.log);
  };

  it('are a default export, a package, and a Python name with a colon, as far as the flag goes', async () => {
    await begin([
      'hooks.before_start = ./hooks.mjs, False',
      'hooks.after_start = shared-hooks#ready',
      'hooks.before_spawn = myhooks:yes',
      'hooks.after_spawn = ./hooks.mjs#fail, YES',
    ]);
    await assertUp();
  });

  it('take no answer for no, as Circus does, and say what would help', async () => {
    await begin(['hooks.before_start = ./hooks.mjs#silent']);
    const { reason } = await startWeb();
    assert.match(String(reason), /its before_start "\.\/hooks\.mjs#silent" returned undefined/);
  });

  it('are commands with commas and quotes, of which nothing is filled in', async () => {
    await begin([`hooks.before_start = exec:./args.sh a,b 'c d, true' "$HOME", false`], {
      'args.sh': '#!/bin/sh\necho "$#:$1:$2:$3"\nexit 9\n',
    });
    const { reason } = await startWeb();
    assert.match(String(reason), /exited with code 9: 3:a,b:c d, true:\$HOME/);
  });

  it('run commands in the working folder, or in that of the configuration until it is there', async () => {
    await begin(['working_dir = /tmp/circusd-hooks-nowhere', 'hooks.before_start = exec:where.sh'], {
      'where.sh': '#!/bin/sh\npwd\nexit 1\n',
    });
    assert.match(
      String((await startWeb())['reason']),
      new RegExp(`code 1: ${daemon.folder.path}$|code 1: ${daemon.folder.path}\\)`),
    );
    await client.ask('set', { name: 'web', options: { working_dir: '/usr' } });
    assert.match(String((await startWeb())['reason']), /code 1: \/usr/);
  });

  it('let Python change the environment of the processes, as in Circus', async () => {
    await begin([
      'env.OWN = mine',
      'hooks.before_start = myhooks.change',
      'hooks.before_spawn = myhooks.change',
      'hooks.after_spawn = exec:sh -c \'test "$MADE$OWN" = "by before_spawn"\'',
      'hooks.after_start = myhooks.unchanged',
    ]);
    await assertUp();
    const { pids } = await client.ask('list', { name: 'web' });
    const variables = readFileSync(`/proc/${(pids as readonly number[])[0]}/environ`, 'utf8').split('\0');
    assert.ok(variables.includes('MADE=by before_spawn'), variables.join());
    assert.ok(!variables.some((text) => text.startsWith('OWN=')), variables.join());
  });

  it('find Python modules by the PYTHONPATH of the watcher', async () => {
    await begin(['hooks.before_start = lib.deep.hooks.ready'], {}, '');
    assert.match(daemon.log, /lib\.deep\.hooks\.ready/);
    const folder = join(daemon.folder.path, 'elsewhere');
    mkdirSync(join(folder, 'lib', 'deep'), { recursive: true });
    writeFileSync(join(folder, 'lib', 'deep', 'hooks.py'), 'def ready(**given):\n    return True\n');
    const file = join(daemon.folder.path, 'circus.ini');
    writeFileSync(file, `${readFileSync(file, 'utf8')}[env:web]\nPYTHONPATH = ${folder}\n`);
    assert.equal((await client.ask('reloadconfig', { waiting: true }))['status'], 'ok');
    await assertUp();
  });

  it('do not run what lies in the folder of somebody with fewer rights', async () => {
    const planted = { 'app/planted.py': 'def ready(**given):\n    return True\n' };
    const lines = ['working_dir = ./app', 'hooks.before_start = planted.ready'];
    await begin([...lines, 'uid = nobody'], planted);
    assert.match(daemon.log, /planted\.ready.*ModuleNotFoundError/);
    await begin(lines, planted);
    await assertUp();
  });

  it('say what Python can not do in a process of its own', async () => {
    await begin(['hooks.before_start = asking.ask', 'hooks.before_spawn = asking.put'], {
      'asking.py':
        'def ask(watcher, arbiter, hook_name):\n    return arbiter.loop\n' +
        'def put(watcher, arbiter, hook_name):\n    watcher.cmd = "true"\n',
    });
    const { reason } = await startWeb();
    assert.match(String(reason), /raised AttributeError: arbiter\.loop is not known in a process beside circusd/);
    assert.match(daemon.log, /Traceback.*asking\.py/);
    await client.ask('set', { name: 'web', options: { 'hooks.before_start': 'asking.put' } });
    assert.match(String((await startWeb())['reason']), /watcher\.cmd can not be set from a process beside circusd/);
  });

  it('leave alone what a hook leaves behind, and do not wait for it', async () => {
    await begin(['hooks.before_start = exec:leave.sh', 'hooks.before_spawn = leaving.leave'], {
      'leave.sh': '#!/bin/sh\n(sleep 0.5; echo late > "$(dirname "$0")/proof"; exec sleep 600) &\nexit 0\n',
      'leaving.py': 'import subprocess\ndef leave(**given):\n    return subprocess.Popen(["sleep", "601"])\n',
    });
    await assertUp();
    await eventually(() => existsSync(join(daemon.folder.path, 'proof')));
    const commands = () =>
      daemon.descendants().map(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim());
    assert.deepEqual(commands().sort(), ['sleep 600', 'sleep 600', 'sleep 601']);
  });

  it('tell no secret', async () => {
    const hooks = [
      'hooks.before_start = exec:tell.sh',
      'hooks.before_spawn = ./telling.mjs#tell, True',
      'hooks.after_start = telling.tell',
    ];
    await begin(['secret.TOKEN = ./token', ...hooks], {
      token: 'hunter2',
      'telling.mjs': 'export const tell = ({ watcher }) => { throw new Error(watcher.spec.env.TOKEN); };',
      'tell.sh': '#!/bin/sh\necho "got $TOKEN" >&2\nexit 1\n',
      'telling.py': 'def tell(watcher, **given):\n    raise ValueError(watcher.env["TOKEN"])\n',
    });
    assert.match(String((await startWeb())['reason']), /got \*\*\*/);
    await client.ask('set', { name: 'web', options: { 'hooks.before_start': 'exec:true' } });
    assert.match(String((await startWeb())['reason']), /ValueError: \*\*\*/);
    assert.doesNotMatch(daemon.log, /hunter2/);
  });
});
