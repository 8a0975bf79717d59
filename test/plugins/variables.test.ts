import assert from 'node:assert/strict';
import { isDangerous, withoutCode } from '#plugins/variables.js';

describe('variables that reach programs with more rights', () => {
  it('are none by which any program runs code of somebody else', () => {
    for (const name of ['LD_PRELOAD', 'LD_AUDIT', 'GCONV_PATH', 'BASH_ENV', 'BASH_FUNC_id%%'])
      assert.ok(isDangerous(name), name);
    for (const name of ['PATH', 'PYTHONPATH', 'OWN', 'LDAP_URL']) assert.ok(!isDangerous(name), name);
  });

  it('are none that tell interpreters what to run', () => {
    const bad = [
      'PATH',
      'HOME',
      'PYTHONPATH',
      'PYTHONSTARTUP',
      'NODE_OPTIONS',
      'PERL5LIB',
      'RUBYOPT',
      'LD_PRELOAD',
      'ENV',
    ];
    const env = Object.fromEntries([...bad, 'OWN', 'PORT', 'PATHS'].map((name) => [name, 'x']));
    assert.deepEqual(Object.keys(withoutCode(env)), ['OWN', 'PORT', 'PATHS']);
  });
});
