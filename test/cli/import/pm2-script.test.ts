import assert from 'node:assert/strict';
import { importPaths } from '../../../cli/import/import.js';
import { permissionSwitch } from '../../../cli/import/pm2-evaluate.js';
import { makeTemporary, type Temporary } from '../../support/temporary.js';
import { problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

describe('a PM2 file in JavaScript', () => {
  let temporary: Temporary;
  before('make a folder', () => void (temporary = makeTemporary()));
  after('remove the folder', () => temporary.remove());
  const importScript = (name: string, text: string, variables: Record<string, string> = {}) =>
    importPaths([temporary.write(name, text)], { variables });

  it('is run in a process of its own, and may read its project', async () => {
    temporary.write('base.cjs', 'module.exports = "/srv";');
    temporary.write('package.json', '{"name":"x"}');
    const text =
      "const cwd = require('./base.cjs');\nconsole.log('noise');\nmodule.exports = {\n  apps: [\n    {\n      name: 'api', script: 'a.js', cwd,\n      cron: '* * * * *',\n      env: { A: process.env.A, B: process.env.B },\n    },\n  ],\n};";
    const imported = await importScript('ecosystem.config.js', text, { A: '1' });
    readBack(imported);
    const { cmd, working_dir, 'env.A': a, 'env.B': b } = watcherOf(imported, 'api');
    assert.deepEqual([cmd, working_dir, a, b], ['node a.js', '/srv', '1', undefined]);
    assert.match(imported.ini, /^# .*ecosystem\.config\.js:6\n\[watcher:api\]$/m);
    assert.deepEqual(
      unmappedOf(imported).map((line) => line.replace(/:[^:]*$/, '')),
      ['7: cron of "api"', '-: process.env.A, process.env.B'],
    );
  });

  it('may be an ES module', async () => {
    const imported = await importScript('pm2.config.mjs', "export default { apps: [{ name: 'm', script: 'm.mjs' }] };");
    assert.equal(watcherOf(imported, 'm')['cmd'], 'node m.mjs');
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['writes', "require('fs').writeFileSync('/tmp/x', '')", /^1: the file does more than describe apps/],
    ['runs programs', "require('child_process').execSync('true')", /^1: the file does more than describe apps/],
    ['throws', '\n\nthrow new TypeError("no")', /^3: the file cannot be run: TypeError: no$/],
    ['is no JavaScript', 'module.exports = {\n  a: [,\n', /^\d: the file cannot be run: SyntaxError/],
    ['ends early', 'process.exit(0)', /^1: the file cannot be run: it ended without a result/],
    ['exports nothing of use', 'module.exports = () => 1', /^1: (there are no apps|an app is)/],
  ];
  for (const [what, text, expected] of wrong) {
    it(`that ${what} is a problem`, async () => {
      const imported = await importScript('bad.config.cjs', text);
      assert.match(problemsOf(imported)[0] ?? '', expected);
      assert.deepEqual(sectionsOf(imported), {});
    });
  }

  it('that is not there is a problem', async () => {
    const imported = await importPaths([`${temporary.path}/none.config.js`]);
    assert.match(problemsOf(imported)[0]!, /none\.config\.js" does not exist$/);
  });

  it('needs the permission model of Node', () => {
    assert.equal(permissionSwitch(new Set(['--permission'])), '--permission');
    assert.equal(permissionSwitch(new Set(['--experimental-permission'])), '--experimental-permission');
    assert.equal(permissionSwitch(new Set()), undefined);
  });
});
