import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPerTest } from '../../support/temporary.js';
import { subjectPerTest } from './subject.js';

describe('options about the environment, on a real child', () => {
  const start = subjectPerTest();
  const temporary = temporaryPerTest();
  const given = { env: { MINE: 'daemon', OTHER: 'daemon' } };

  /** A virtual environment of this version, with a program in it. */
  function virtualenv(...versions: readonly string[]): string {
    const folder = join(temporary.path, 'venv');
    for (const version of versions) mkdirSync(join(folder, `lib/python${version}/site-packages`), { recursive: true });
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/nap'), '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
    return folder;
  }

  it('copy_env: without it there is only what the file says, and our mark', async () => {
    const child = await (await start('cmd = sleep 600\nenv.MINE = file', '', given)).child();
    const { CIRCUS_ID: mark, ...rest } = child.env;
    assert.match(mark ?? '', /:w:1$/);
    assert.deepEqual(rest, { MINE: 'file' });
  });

  it('copy_env: with it, what the file says stands over the daemon’s own', async () => {
    const { env } = await (await start('cmd = sleep 600\ncopy_env = True\nenv.MINE = file', '', given)).child();
    assert.deepEqual([env['MINE'], env['OTHER'], env['PATH']], ['file', 'daemon', process.env['PATH']]);
  });

  it('copy_path: gives the module path of the Python that the daemon stands in', async () => {
    const VIRTUAL_ENV = virtualenv('3.11');
    const { env } = await (
      await start('cmd = sleep 600\ncopy_env = True\ncopy_path = True', '', { env: { VIRTUAL_ENV } })
    ).child();
    assert.equal(env['PYTHONPATH'], `${VIRTUAL_ENV}/lib/python3.11/site-packages`);
  });

  it('virtualenv: puts its programs and modules in front', async () => {
    const venv = virtualenv('3.11');
    const subject = await start(`cmd = nap\ncopy_env = True\nvirtualenv = ${venv}`);
    const { env } = await subject.child();
    assert.ok(env['PATH']?.startsWith(`${venv}/bin:`));
    assert.equal(env['PYTHONPATH'], `${venv}/lib/python3.11/site-packages`);
  });

  it('virtualenv_py_ver: says whose modules', async () => {
    const venv = virtualenv('3.9', '3.11', '3.12');
    const options = `cmd = nap\ncopy_env = True\nvirtualenv = ${venv}\nvirtualenv_py_ver = 3.9`;
    const { env } = await (await start(options)).child();
    assert.equal(env['PYTHONPATH'], `${venv}/lib/python3.9/site-packages`);
  });

  it('env.*: is one variable, over those of [env:NAME] sections', async () => {
    const subject = await start(
      'cmd = sleep 600\nenv.A = own',
      '[env]\nA = all\nB = all\nC = all\n[env:w]\nA = w\nB = w',
    );
    const { A, B, C } = (await subject.child()).env;
    assert.deepEqual([A, B, C], ['own', 'w', 'all']);
  });
});
