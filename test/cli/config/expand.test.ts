import assert from 'node:assert/strict';
import { environmentsOf } from '../../../cli/config/environment.js';
import { lookupIn, withEnvironment } from '../../../cli/config/expand.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const environments = (text: string, daemon: Record<string, string> = {}) => {
  const problems: string[] = [];
  const written = mergeFiles('a.ini', [readIni(text, 'a.ini')]);
  return { ...environmentsOf(written, daemon, (problem) => problems.push(formatProblem(problem))), problems };
};

describe('config variables', () => {
  it('are filled in in both notations and without regard to case; unknown ones stay', () => {
    const lookup = lookupIn({ HOME: '/h', Path: '/p' });
    const text = '$(circus.env.home) ((CIRCUS.ENV.PATH)) $(circus.env.no) $(circus.wid) ((circus.sockets.web)) $HOME';
    const filled = '/h /p $(circus.env.no) $(circus.wid) ((circus.sockets.web)) $HOME';
    assert.equal(withEnvironment(text, lookup), filled);
  });

  it('of a watcher are its own sections over [env], in file order', () => {
    const { of } = environments('[env:w*]\nA = 2\nB = 2\n[env]\nA = 1\nC = 1\n[env:web, other]\nB = 3');
    assert.deepEqual(of('web').env, { A: '2', B: '3', C: '1' });
    assert.deepEqual(of('worker').env, { A: '2', B: '2', C: '1' });
    assert.deepEqual(of('db').env, { A: '1', C: '1' });
    assert.deepEqual(of('Web').env, { A: '1', C: '1' });
  });

  it("lie over the daemon's where a watcher copies that", () => {
    const { of } = environments('[env]\nA = 1', { A: '0', B: '0' });
    assert.deepEqual(of('web').copied(), { A: '1', B: '0' });
    assert.deepEqual(of('web').env, { A: '1' });
    assert.deepEqual(environments('', { A: '0' }).of('web').env, {});
  });

  it("have $NAME in capitals filled in from the daemon's environment, also in what was copied", () => {
    const daemon = { HOME: '/h', X: 'of $HOME' };
    const { of } = environments('[env]\nA = $HOME/${HOME}/$home/$NO.\nHOME = /mine', daemon);
    assert.deepEqual(of('web').copied(), { HOME: '/mine', X: 'of /h', A: '/h/${HOME}/$home/.' });
  });

  it('may refer to the environment, to one another, and by their own name to what lies below', () => {
    const text =
      '[env]\nLOG = $(circus.env.base)/log\nBASE = $(circus.env.ROOT)/x\nPATH = /a:$(circus.env.PATH)\n' +
      '[env:web]\nPATH = /b:$(circus.env.PATH)\nOWN = $(circus.env.LOG)/web';
    const { of, shared, problems } = environments(text, { ROOT: '/r', PATH: '/bin' });
    assert.deepEqual(of('web').env, { LOG: '/r/x/log', BASE: '/r/x', PATH: '/b:/a:/bin', OWN: '/r/x/log/web' });
    assert.equal(shared()('log'), '/r/x/log');
    assert.equal(of('web').lookup('own'), '/r/x/log/web');
    assert.equal(of('db').lookup('own'), undefined);
    assert.deepEqual(problems, []);
  });

  it('that refer to one another in a circle stay as written, which is told', () => {
    const { of, problems } = environments('[env]\nA = $(circus.env.B)\nB = x$(circus.env.A)\nC = $(circus.env.B)');
    assert.deepEqual(of('web').env, { A: '$(circus.env.B)', B: 'x$(circus.env.A)', C: 'x$(circus.env.A)' });
    assert.deepEqual(problems, [
      'a.ini:2:5: "A" stays as written, because it refers to itself through "B"',
      'a.ini:3:5: "B" stays as written, because it refers to itself through "A"',
    ]);
  });

  it('tell of a circle once, however many watchers it concerns', () => {
    const { of, problems } = environments('[env:w*]\nA = $(circus.env.B)\nB = $(circus.env.A)\n[env:w1]\nC = 1');
    for (const name of ['w1', 'w2', 'w3']) of(name);
    assert.equal(problems.length, 2);
  });

  it('keep names that differ by case apart, and the marks of the parser out', () => {
    const { of } = environments('[env]\nfoo = 1\nFOO = 2\n__name__ = env\n__proto__ = 3');
    assert.deepEqual(Object.entries(of('web').env), [
      ['foo', '1'],
      ['FOO', '2'],
      ['__proto__', '3'],
    ]);
  });

  it('come from [DEFAULT] too', () => {
    assert.deepEqual(environments('[DEFAULT]\nA = 1\n[env]\nB = 2').of('web').env, { A: '1', B: '2' });
  });
});
