import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildConfiguration, readConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { baseEnvironment, processSpec } from '../../../core/launch.js';

const build = (text: string, daemon: Record<string, string> = {}) =>
  buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), daemon);

describe('variables are filled in', () => {
  it('in the names of included files, from the environment of the daemon (stage A)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'circusd-stages-'));
    try {
      const text = '[circus]\ninclude = $(circus.env.NAME).ini\ninclude_dir = ((CIRCUS.ENV.DIR))\n[env]\nNAME = no';
      writeFileSync(join(folder, 'a.ini'), text);
      writeFileSync(join(folder, 'b.ini'), '[watcher:b]\ncmd = x');
      writeFileSync(join(folder, 'c.ini'), '[watcher:c]\ncmd = x');
      const { watchers } = readConfiguration(join(folder, 'a.ini'), { NAME: 'b', DIR: folder });
      assert.deepEqual(
        watchers.map(({ spec }) => spec.name),
        ['b', 'c'],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('in [env], from the environment of the daemon and, beyond Circus, from one another (stage B)', () => {
    const [watcher] = build('[env]\nA = $(circus.env.X)1\nB = $(circus.env.A)2\n[watcher:w]\ncmd = x', {
      X: '0',
    }).watchers;
    assert.deepEqual(watcher?.spec.env, { A: '01', B: '012' });
  });

  it('in [circus], sockets, plugins and typed options of watchers, from [env] over the daemon (stage C)', () => {
    const text =
      '[env]\nN = 3\n[env:w]\nN = 9\n[circus]\ncheck_delay = $(circus.env.N)\n[socket:s]\nport = ((circus.env.n))\n' +
      '[plugin:p]\nuse = x\nkey = $(circus.env.N)$(circus.env.D)\n' +
      '[watcher:w]\ncmd = x\nnumprocesses = $(circus.env.N)\ngraceful_timeout = $(circus.env.D)';
    const { circus, sockets, plugins, watchers } = build(text, { N: '1', D: '7' });
    assert.deepEqual([circus.check_delay, sockets[0]?.spec.port, plugins[0]?.options.key], [3, 3, '37']);
    assert.deepEqual([watchers[0]?.spec.numprocesses, watchers[0]?.spec.graceful_timeout], [3, 7]);
  });

  it("in a watcher's text, from its own environment; names, hooks and unknown variables stay (stage D)", () => {
    const text =
      '[env]\nA = 1\n[env:w]\nA = 2\n[watcher:w]\ncmd = $(circus.env.A) $(circus.env.NO)\nworking_dir = /$(circus.env.A)\n' +
      'stdout_stream.filename = $(circus.env.A)\nmine = ((circus.env.A))\nhooks.before_start = $(circus.env.A)';
    const [watcher] = build(text).watchers;
    const { cmd, working_dir, options } = watcher!.spec;
    assert.deepEqual([cmd, working_dir], ['2 $(circus.env.NO)', '/2']);
    assert.deepEqual([options['stdout_stream.filename'], options.mine], ['2', '2']);
    assert.equal(options['hooks.before_start'], '$(circus.env.A)');
  });

  it('at each spawn, from the effective environment and the built-in options (stages E and F)', () => {
    const text =
      '[watcher:w]\ncmd = x $(circus.env.HOME) $(circus.wid) $(circus.numprocesses) $(circus.shell)\n' +
      'args = $(circus.graceful_timeout) ((circus.STOP_SIGNAL)) $(circus.name) $(circus.mine)\ncopy_env = 1\nmine = 1';
    const [watcher] = build(text, { HOME: '/h' }).watchers;
    const { spec } = watcher!;
    assert.deepEqual(processSpec(spec, baseEnvironment(spec, {}), { wid: 4 }, new Map()).args, [
      '/h',
      '4',
      '1',
      'False',
      '30.0',
      '15',
      '$(circus.name)',
      '$(circus.mine)',
    ]);
  });
});
