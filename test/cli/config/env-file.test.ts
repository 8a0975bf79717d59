import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { parseEnvFile } from '../../../cli/config/env-file.js';
import { formatProblem } from '../../../cli/config/problem.js';

const parse = (text: string): Record<string, string> =>
  Object.fromEntries(parseEnvFile(text, 'v').variables.map(({ key, value }) => [key, value]));
const errors = (text: string): string[] => parseEnvFile(text, 'v').problems.map(formatProblem);

describe('a file of variables', () => {
  it('has one variable in each line, also after export; comments and blank lines do not count', () => {
    assert.deepEqual(parse('# note\n\nA=1\r\n  export B = two words # note\nC=a#b\nD=\nE= # empty\nf.g=$HOME'), {
      A: '1',
      B: 'two words',
      C: 'a#b',
      D: '',
      E: '',
      'f.g': '$HOME',
    });
  });

  it('keeps what is in quotes, and knows escapes in double ones', () => {
    assert.deepEqual(
      parse(String.raw`A=" x # y " # note
B='a "b" \n'
C="tab\there \"q\" \\ \$x \z"
D=""`),
      { A: ' x # y ', B: 'a "b" \\n', C: 'tab\there "q" \\ $x \\z', D: '' },
    );
  });

  it('may have values of several lines in quotes', () => {
    assert.deepEqual(parse('KEY="-----BEGIN\nabc=\n-----END"\nB=\'1\n2\'\nC=3'), {
      KEY: '-----BEGIN\nabc=\n-----END',
      B: '1\n2',
      C: '3',
    });
  });

  it('makes an error of each line that cannot be read, and reads the others', () => {
    assert.deepEqual(parse('A=1\nnonsense\n=2\nB="open\nC=3'), { A: '1', C: '3' });
    assert.deepEqual(errors('A=1\nnonsense\n =2\nB="x" y\nC=3\nD="open'), [
      'v:2:1: this line is not NAME=value and is ignored',
      'v:3:2: this line is not NAME=value and is ignored',
      'v:4:3: what follows the quotes of "B" is ignored',
      'v:6:3: the quote that "D" begins with has no end, so the variable is ignored',
    ]);
  });
});

describe('env_file', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'circusd-env-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: string): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const read = (text: string, daemon = {}) => {
    const built = readConfiguration(write('a.ini', text), daemon);
    const problems = built.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
    return { ...built, problems, spec: built.watchers[0]?.spec };
  };

  it('lies over [env] and under [env:NAME] and env.NAME; the last of several files counts', () => {
    write('x', 'A=x\nB=x\nC=x\nD=x');
    write('y', 'D=y');
    const text = '[env]\nA = 1\n[env:w]\nB = 2\n[watcher:w]\ncmd = $(circus.env.A)\nenv.C = 3\nenv_file = x y';
    const { spec } = read(text);
    assert.deepEqual(spec?.env, { A: 'x', B: '2', C: '3', D: 'y' });
    assert.equal(spec?.cmd, 'x');
    assert.equal(spec?.options.env_file, `${folder}/x ${folder}/y`);
  });

  it('is relative to the file that says it, and may use variables', () => {
    write('sub/x', 'A=x');
    write('sub/b.ini', '[watcher:w]\ncmd = x\nenv_file = $(circus.env.N)');
    assert.deepEqual(read('[circus]\ninclude = sub/b.ini', { N: 'x' }).spec?.env, { A: 'x' });
  });

  it('leaves dollars alone, but as a shell does with expand = shell', () => {
    write('x', 'A=a$HOME$(circus.env.HOME)\nB=${HOME:-no}\nC=\'${HOME}\'\nD="\\${HOME} ${A}"');
    const daemon = { HOME: '/h' };
    const text = '[watcher:w]\ncmd = x\nenv_file = x';
    assert.deepEqual(read(text, daemon).spec?.env, {
      A: 'a$HOME$(circus.env.HOME)',
      B: '${HOME:-no}',
      C: '${HOME}',
      D: '${HOME} ${A}',
    });
    assert.deepEqual(read(`${text}\nexpand = shell`, daemon).spec?.env, {
      A: 'a$HOME/h',
      B: '/h',
      C: '${HOME}',
      D: '${HOME} a$HOME/h',
    });
  });

  it('must be there, but after a minus', () => {
    assert.deepEqual(read('[watcher:w]\ncmd = x\nenv_file = -no\nenv.A = 1').spec?.env, { A: '1' });
    assert.deepEqual(read('[watcher:w]\ncmd = x\nenv_file = no').problems, [
      'a.ini:3:12: the file of variables "no" does not exist; [watcher:w] is left out',
    ]);
  });

  it('leaves out the watcher when it cannot be read', () => {
    write('x', 'A');
    const { problems, watchers } = read('[watcher:w]\ncmd = x\nenv_file = x\n[watcher:v]\ncmd = y');
    assert.equal(watchers.length, 1);
    assert.deepEqual(problems, ['x:1:1: this line is not NAME=value and is ignored; [watcher:w] is left out']);
  });
});
