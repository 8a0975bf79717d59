import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { driftOf } from '../../../cli/config/diff.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { withoutSecrets } from '../../../cli/config/secret.js';
import { baseEnvironment, processSpec } from '../../../core/launch.js';

describe('a secret', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'circusd-secret-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string, mode = 0o600): void => {
    writeFileSync(join(folder, name), content);
    chmodSync(join(folder, name), mode);
  };
  const read = (text: string) => {
    write('a.ini', `[watcher:w]\ncmd = run\n${text}`);
    const built = readConfiguration(join(folder, 'a.ini'), { HOME: '/h' });
    const problems = built.problems.map((problem) =>
      `${problem.severity} ${formatProblem(problem)}`.replaceAll(`${folder}/`, ''),
    );
    return { spec: built.watchers[0]?.spec, variables: built.watchers[0]?.variables, problems };
  };

  it('is the content of a file without its last line end, over all other variables', () => {
    write('s', 'sesame\n\n');
    const { spec, variables, problems } = read('secret.PASS = s\nenv.PASS = no\n[env]\nA = 1');
    assert.deepEqual(spec?.env, { A: '1', PASS: 'sesame\n' });
    assert.deepEqual(spec?.secrets, ['PASS']);
    assert.deepEqual([...variables!.keys()], ['A']);
    assert.deepEqual(problems, []);
  });

  it('is nowhere in the options', () => {
    write('s', 'sesame');
    const { spec } = read('secret.PASS = s\nargs = $(circus.env.PASS)\nmine = $(circus.env.pass)');
    assert.equal(JSON.stringify({ ...spec, env: withoutSecrets(spec!.env!, spec!.secrets) }).includes('sesame'), false);
    assert.deepEqual(spec?.options['secret.PASS'], join(folder, 's'));
  });

  it('reaches other variables and the command line when a process is started', () => {
    write('s', 'sesame');
    for (const reference of ['$(circus.env.PASS)', '${PASS}', '${PASS:?no}']) {
      const shell = reference.startsWith('${') ? 'expand = shell\n' : '';
      const { spec } = read(`${shell}secret.PASS = s\nenv.URL = db://u:${reference}@h\nargs = --pass ${reference}`);
      assert.equal(spec?.env?.URL, 'db://u:$(circus.env.PASS)@h');
      const { args, env } = processSpec(spec, baseEnvironment(spec, {}), { wid: 1 }, new Map());
      assert.deepEqual([args, env], [['--pass', 'sesame'], { URL: 'db://u:sesame@h', PASS: 'sesame' }]);
    }
  });

  it('is masked in an environment that is shown', () => {
    assert.deepEqual(withoutSecrets({ A: '1', PASS: 'sesame' }, ['PASS']), { A: '1', PASS: '***' });
  });

  it('is masked in a plan of changes', () => {
    write('s', 'sesame');
    const before = read('secret.PASS = s').spec!;
    write('s', 'other');
    assert.deepEqual(driftOf(before, read('secret.PASS = s').spec!), [
      { key: 'env', before: { PASS: '***' }, after: { PASS: '***' } },
    ]);
  });

  it('must be readable, and hold text', () => {
    assert.deepEqual(read('secret.PASS = no').problems, [
      'error a.ini:3:15: "secret.PASS" cannot be read: "no" does not exist; [watcher:w] is left out',
    ]);
    write('s', 'a\0b');
    assert.deepEqual(read('secret.PASS = s').problems, [
      'error a.ini:3:15: "secret.PASS" cannot be a variable: "s" holds a zero byte; [watcher:w] is left out',
    ]);
  });

  it('should not be readable by everybody', () => {
    write('s', 'sesame', 0o644);
    const { spec, problems } = read('secret.PASS = s');
    assert.deepEqual(spec?.secrets, ['PASS']);
    assert.deepEqual(problems, [
      'warning a.ini:3:15: "secret.PASS" is no secret on this machine: everybody may read "s" (chmod o-r takes that away)',
    ]);
  });
});
