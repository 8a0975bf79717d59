import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildConfiguration } from '../../../cli/config/build.js';
import { lookupIn } from '../../../cli/config/expand.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { escapeShell, fillShell } from '../../../cli/config/shell.js';

const fill = (text: string, variables: Record<string, string> = {}, daemon?: Record<string, string>) => {
  const problems: string[] = [];
  const report = (severity: string, message: string): void => void problems.push(`${severity} ${message}`);
  const filled = fillShell(text, {
    lookup: lookupIn(variables),
    ...(daemon && { daemon: (name) => daemon[name] }),
    report,
  });
  return problems.length === 0 ? filled : [filled, ...problems];
};
const build = (text: string, daemon: Record<string, string> = {}) => {
  const built = buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), daemon);
  const problems = built.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  return { ...built, problems, spec: built.watchers[0]?.spec };
};

describe('variables as in a shell', () => {
  it('have defaults, with a colon also for an empty value', () => {
    assert.equal(fill('${A} ${A:-x} ${B:-x} ${E:-x} ${E-x}.', { A: '1', E: '' }), '1 1 x x .');
  });

  it('may be in defaults themselves', () => {
    assert.equal(fill('${A:-${B:-${C}/}x}}', { C: 'c' }), 'c/x}');
  });

  it('complain with a message of their own where they must be set', () => {
    assert.deepEqual(fill('a${A:?say which}', {}), ['a', 'error needs variable "A", which is not set: say which']);
    assert.deepEqual(fill('${A:?}', { A: '' }), ['', 'error needs variable "A", which is empty']);
    assert.equal(fill('${A?}${A:?}', { A: '1' }), '11');
  });

  it('are told when they are not set and nothing says that they may be', () => {
    const message = 'warning has nothing for "${A}", because that is not set: write "${A:-}" if it may be missing';
    assert.deepEqual(fill('${A}'), ['', message]);
    assert.equal(fill('${A:-}'), '');
  });

  it('match in upper and lower case as written, unlike those of Circus', () => {
    assert.equal(fill('${a:-x} $(circus.env.a) ((circus.env.A))', { A: '1' }), 'x 1 1');
  });

  it('leave a dollar for two, and all other dollars alone', () => {
    assert.equal(
      fill('$$ $${A} $A $a $ $(circus.wid) $$(circus.env.A)', { A: '1' }),
      '$ ${A} $A $a $ $(circus.wid) $(circus.env.A)',
    );
  });

  it('have $NAME of Circus beside them in the values of variables', () => {
    assert.equal(fill('$A/$B/$$A/${A}/$a', { A: 'own' }, { A: 'daemon' }), 'daemon//$A/own/$a');
  });

  it('are not looked for in what was filled in', () => {
    assert.equal(fill('${A}', { A: '${B}$$' }), '${B}$$');
  });

  it('are errors when they cannot be read', () => {
    for (const text of ['${', '${}', '${A', '${1}', '${A B}', '${A:+x}']) {
      assert.deepEqual(fill(text), [text, `error has "${text}", which is no variable: write "$$" for a dollar`]);
    }
  });

  it('can be kept from being filled in', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', '(', 'circus.wid', ')', ':-') }), (text) => {
        assert.equal(fill(escapeShell(text), { A: '1' }, { A: '2' }), text);
      }),
    );
  });
});

describe('expand = shell', () => {
  it('fills in all options of a watcher and its variables', () => {
    const text =
      '[env]\nA = ${X:-0}1\n[env:w]\nB = ${A}2 $X $$X\n' +
      '[watcher:w]\ncmd = run ${B} $X $$X\nexpand = shell\nnumprocesses = ${N:-3}\nmine = ${A}';
    const { spec, problems } = build(text, { X: 'x' });
    assert.deepEqual(spec?.env, { A: 'x1', B: 'x12 x $X' });
    assert.deepEqual([spec?.cmd, spec?.numprocesses, spec?.options.mine], ['run x12 x $X $X $X', 3, 'x1']);
    assert.equal(spec?.options.expand, undefined);
    assert.deepEqual(
      problems.map((problem) => problem.replace(/.*: /, '')),
      ['"mine" is not an option of a watcher and is kept as text that only plugins and clients can read'],
    );
  });

  it('in [circus] is for everything, but for watchers that say otherwise', () => {
    const text =
      '[circus]\nexpand = shell\nloglevel = ${L:-debug}\n[socket:s]\nport = ${P:-1}\n[plugin:p]\nuse = x\nk = ${K:-v}\n' +
      '[watcher:a]\ncmd = ${A:-a}\n[watcher:b]\ncmd = ${A:-a}\nexpand = circus\n[env]\nE = ${E:-e}';
    const { circus, sockets, plugins, watchers, problems } = build(text);
    assert.deepEqual(problems, []);
    assert.deepEqual([circus.loglevel, sockets[0]?.spec.port, plugins[0]?.options.k], ['debug', 1, 'v']);
    assert.deepEqual(
      watchers.map(({ spec }) => [spec.cmd, spec.env]),
      [
        ['a', { E: 'e' }],
        ['${A:-a}', { E: '${E:-e}' }],
      ],
    );
  });

  it('is not there by default: such texts are what they are', () => {
    const { spec, problems } = build('[env]\nA = ${X:?no} $$\n[watcher:w]\ncmd = run ${X:?no} $$');
    assert.deepEqual([spec?.cmd, spec?.env, problems], ['run ${X:?no} $$', { A: '${X:?no} $$' }, []]);
  });

  it('leaves out a watcher that misses a variable, also one of a variable of its own', () => {
    const text =
      '[env:v,w]\nA = ${X:?no X}\n[watcher:u]\ncmd = ${X:?no X}\nexpand = shell\n' +
      '[watcher:v]\ncmd = x\nexpand = shell\n[watcher:w]\ncmd = x\n[watcher:x]\ncmd = x\nexpand = perl';
    const { watchers, problems } = build(text);
    assert.deepEqual(
      watchers.map(({ spec }) => spec.name),
      ['w'],
    );
    assert.deepEqual(problems, [
      'error a.ini:2:5: "A" needs variable "X", which is not set: no X; [watcher:v] is left out',
      'error a.ini:4:7: "cmd" needs variable "X", which is not set: no X; [watcher:u] is left out',
      'error a.ini:13:10: "expand" must be circus or shell, and is "perl"; [watcher:x] is left out',
    ]);
  });

  it('leaves variables that refer to one another in a circle as written', () => {
    const { spec, problems } = build(
      '[circus]\nexpand = shell\n[env]\nA = ${B}\nB = ${A:-x}\nC = ${C:-c}\n[watcher:w]\ncmd = x',
    );
    assert.deepEqual(spec?.env, { A: '${B}', B: '${A:-x}', C: 'c' });
    assert.equal(problems.length, 2);
  });
});
