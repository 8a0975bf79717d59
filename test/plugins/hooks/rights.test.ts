import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const lie = 'raise SystemExit("planted")\n';

describe('hooks, which have the rights of the daemon', () => {
  const start = daemonPerTest();
  closeClients();
  const web = (...lines: readonly string[]) =>
    `[watcher:web]\ncmd = sleep 600\nautostart = False\n${lines.join('\n')}\n`;
  const reasonOf = async (ini: string, files: Readonly<Record<string, string>>) => {
    const prepare = ({ path }: { readonly path: string }) => {
      for (const name of Object.keys(files)) if (!name.includes('.')) chmodSync(join(path, name), 0o755);
    };
    const client = connect(await start(ini, { files, prepare }));
    return String((await client.ask('start', { name: 'web', waiting: true }))['reason']);
  };

  it('are not led elsewhere by variables of the watcher', async () => {
    const vars = [
      'PATH = ./bin',
      'env.LD_PRELOAD = /x.so',
      'env.PYTHONPATH = /x',
      'env.NODE_OPTIONS = --x',
      'env.OWN = 1',
    ];
    const lines = ['hooks.before_start = exec:sh seen.sh', ...vars.map((line) => line.replace(/^PATH/, 'env.PATH'))];
    const files = {
      'bin/sh': '#!/bin/false\n',
      // The path itself may be longer than what a reason holds.
      'seen.sh': `[ "$PATH" = '${process.env['PATH']}' ] && path=same; echo "$path|$LD_PRELOAD|$PYTHONPATH|$NODE_OPTIONS|$OWN"; exit 1\n`,
    };
    const reason = await reasonOf(web('working_dir = .', ...lines), files);
    assert.ok(reason.includes('exited with code 1: same||'), reason);
    assert.match(reason, /\|1\)?$/);
  });

  it('find Python modules beside the configuration first', async () => {
    const files = {
      'mine.py': 'def ready(**given):\n    raise ValueError("the right one")\n',
      'other/mine.py': 'def ready(**given):\n    raise ValueError("the wrong one")\n',
    };
    const lines = ['env.PYTHONPATH = ./other', 'hooks.before_start = mine.ready'];
    assert.match(await reasonOf(web(...lines), files), /the right one/);
  });

  it('find no Python modules by the PYTHONPATH of a watcher with a user of its own', async () => {
    const files = { 'other/mine.py': 'def ready(**given):\n    return True\n' };
    const daemon = await start(web('uid = nobody', 'env.PYTHONPATH = ./other', 'hooks.before_start = mine.ready'), {
      files,
    });
    assert.match(daemon.log, /mine\.ready.*ModuleNotFoundError/);
  });

  it('take no module of Python from the folder at hand', async () => {
    const files = {
      'difflib.py': lie,
      'json.py': lie,
      'traceback.py': lie,
      'mine.py': 'def ready(**given):\n    return True\n',
    };
    const client = connect(await start(web('hooks.before_start = mine.ready'), { files }));
    const { status, reason } = await client.ask('start', { name: 'web', waiting: true });
    assert.equal(status, 'ok', String(reason));
  });
});
