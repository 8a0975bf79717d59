import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';

describe('a watcher of Python programs', () => {
  let folder: string;
  let venv: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'circusd-python-'));
    venv = join(folder, 'venv');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const make = (...folders: readonly string[]): void => {
    for (const name of folders) mkdirSync(join(venv, name), { recursive: true });
  };
  const build = (lines: string, daemon: Record<string, string> = {}) => {
    const text = `[watcher:w]\ncmd = x\n${lines}`;
    const built = buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), daemon);
    const problems = built.problems.map((problem) => formatProblem(problem).replaceAll(folder, ''));
    return { env: built.watchers[0]?.spec.env, problems };
  };

  it('gets its virtual environment: programs first in PATH, modules last in PYTHONPATH', () => {
    make('bin', 'lib/python3.11/site-packages');
    const { env } = build(`copy_env = 1\nvirtualenv = ${venv}`, { PATH: '/bin', PYTHONPATH: '/mine' });
    assert.deepEqual(env, {
      PATH: `${venv}/bin:/bin`,
      PYTHONPATH: `/mine:${venv}/lib/python3.11/site-packages`,
      VIRTUAL_ENV: venv,
    });
  });

  it('leaves PATH alone where the virtual environment has no programs', () => {
    make('lib/pypy3.10/site-packages');
    const { env } = build(`copy_env = 1\nvirtualenv = ${venv}`, { PATH: '/bin' });
    assert.deepEqual([env?.PATH, env?.PYTHONPATH], ['/bin', `${venv}/lib/pypy3.10/site-packages`]);
  });

  it('finds modules in the folders that .pth files list, but runs none of their imports', () => {
    make('lib/python3.11/site-packages/sub');
    const site = join(venv, 'lib/python3.11/site-packages');
    writeFileSync(join(site, 'b.pth'), `# note\nimport site\n${folder}\n/not/there\n`);
    writeFileSync(join(site, 'a.pth'), 'sub\n');
    const { env } = build(`copy_env = 1\nvirtualenv = ${venv}`);
    assert.equal(env?.PYTHONPATH, [join(site, 'sub'), folder, site].join(':'));
  });

  it('takes the version of Python that it names', () => {
    make('lib/python3.11/site-packages', 'lib/python3.12/site-packages');
    const of = (version: string) => build(`copy_env = 1\nvirtualenv = ${venv}\nvirtualenv_py_ver = ${version}`);
    assert.equal(of('3.12').env?.PYTHONPATH, `${venv}/lib/python3.12/site-packages`);
    assert.deepEqual(of('3.9').problems, [
      'a.ini:5:21: "/venv" is no virtual environment: it has no lib/python3.9/site-packages; [watcher:w] is left out',
    ]);
  });

  it('is refused when its virtual environment cannot be told apart, is none, or is not there', () => {
    assert.deepEqual(build(`copy_env = 1\nvirtualenv = ${venv}`).problems, [
      'a.ini:4:14: "virtualenv" is "/venv", which is no folder; [watcher:w] is left out',
    ]);
    make('lib/python3.11');
    assert.deepEqual(build(`copy_env = 1\nvirtualenv = ${venv}`).problems, [
      'a.ini:4:14: "/venv" is no virtual environment: it has no lib/python*/site-packages; [watcher:w] is left out',
    ]);
    make('lib/python3.11/site-packages', 'lib/python3.12/site-packages');
    assert.deepEqual(build(`copy_env = 1\nvirtualenv = ${venv}`).problems, [
      'a.ini:4:14: "/venv" holds more than one Python: say which it is with "virtualenv_py_ver"; [watcher:w] is left out',
    ]);
  });

  it("is refused when it wants these without the daemon's environment", () => {
    assert.deepEqual(build(`virtualenv = ${venv}`).problems, [
      'a.ini:3:14: "virtualenv" needs "copy_env = True", and that is not there; [watcher:w] is left out',
    ]);
    assert.deepEqual(build('copy_path = yes').problems, [
      'a.ini:3:13: "copy_path" needs "copy_env = True", and that is not there; [watcher:w] is left out',
    ]);
  });

  it('finds with copy_path the modules of the virtual environment that the daemon stands in', () => {
    make('lib/python3.11/site-packages');
    const site = join(venv, 'lib/python3.11/site-packages');
    const daemon = { VIRTUAL_ENV: venv, PYTHONPATH: '/mine' };
    assert.equal(build('copy_env = 1\ncopy_path = 1', daemon).env?.PYTHONPATH, `/mine:${site}`);
    assert.equal(build('copy_env = 1\ncopy_path = 1').env?.PYTHONPATH, undefined);
    assert.equal(build('copy_env = 1\ncopy_path = 1\nenv.PYTHONPATH = /own', daemon).env?.PYTHONPATH, '/own');
  });
});
