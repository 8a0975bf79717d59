import assert from 'node:assert/strict';
import type { ProcessSpec } from '#core';
import { sheltered } from '#plugins/limits/loader.js';

const spec = (env: Readonly<Record<string, string>>, command = '/bin/cat'): ProcessSpec => ({
  command,
  args: ['x'],
  chain: [['/bin/setpriv', '--reuid', 'www']],
  env,
  cwd: '/',
  files: {},
});

describe('the environment of a chain', () => {
  it('has nothing that would load code into programs with more rights than the command', () => {
    const evil = {
      LD_PRELOAD: '/tmp/a.so',
      LD_AUDIT: '/tmp/b.so',
      BASH_ENV: '/tmp/c',
      'BASH_FUNC_umask%%': '() { id; }',
    };
    const { env, chain, command, args } = sheltered(spec({ PATH: '/bin', ...evil }), '/usr/bin/env');
    assert.deepEqual(env, { PATH: '/bin' });
    assert.deepEqual(chain, [
      ['/bin/setpriv', '--reuid', 'www'],
      ['/usr/bin/env', ...Object.entries(evil).map(([name, value]) => `${name}=${value}`)],
    ]);
    assert.deepEqual([command, args], ['/bin/cat', ['x']]);
  });

  it('is left alone where there is nothing of that kind', () => {
    const harmless = spec({ PATH: '/bin', LANG: 'C', OLD_NAME: 'x' });
    assert.equal(sheltered(harmless, undefined), harmless);
  });

  it('is refused where it can’t be kept apart', () => {
    assert.throws(() => sheltered(spec({ LD_PRELOAD: 'x' }), undefined), /program "env" \(package coreutils\)/);
    assert.throws(() => sheltered(spec({ LD_PRELOAD: 'x' }, '/a=b'), '/bin/env'), /can't be given LD_PRELOAD/);
  });
});
