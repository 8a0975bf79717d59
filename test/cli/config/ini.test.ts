import assert from 'node:assert/strict';
import { readIni } from '../../../cli/config/ini.js';
import { asRead, mergeFiles } from '../../../cli/config/sections.js';

const read = (text: string) => asRead(mergeFiles('a.ini', [readIni(text, 'a.ini')])).sections;
const errors = (text: string) =>
  readIni(text, 'a.ini').problems.map(({ severity, line, column, message }) => ({ severity, line, column, message }));

describe('ini', () => {
  it('keeps values as they are: booleans, numbers, quotes, hashes, backslashes and percent signs', () => {
    const text = String.raw`[w]
a = true
b = null
c = "x y"
d = ''
e = redis://h/#1
f = a\;b\\c
g = %Y %%(x)s
h = "a\tb"
i = 0x10
`;
    assert.deepEqual(read(text).w, {
      a: 'true',
      b: 'null',
      c: '"x y"',
      d: "''",
      e: 'redis://h/#1',
      f: 'a\\;b\\\\c',
      g: '%Y %%(x)s',
      h: '"a\\tb"',
      i: '0x10',
    });
  });

  it('reads exactly "" as empty', () => {
    assert.deepEqual(read('[w]\na = ""\nb =\nc = "" x'), { w: { a: '', b: '', c: '"" x' } });
  });

  it('divides at the first equals sign or colon', () => {
    assert.deepEqual(read('[w]\na: b=c\nd=e:f\ng := 4\nh == 1'), { w: { a: 'b=c', d: 'e:f', g: '= 4', h: '= 1' } });
  });

  it('takes for a comment only the first semicolon, and only after a blank', () => {
    assert.deepEqual(read('[w]\na = x ; y\nb = x;y ; z\nc = ;x\nd = ;x \ne = x\u00a0;y').w, {
      a: 'x',
      b: 'x;y ; z',
      c: ';x',
      d: '',
      e: 'x',
    });
  });

  it('skips comments, remarks and blank lines in column 1 only', () => {
    assert.deepEqual(read('# a\n; b\nrem c\nREM\n[w]\nremark = 1\na = 1\n  # no comment\n'), {
      w: { remark: '1', a: '1\n# no comment' },
    });
  });

  it('joins continuation lines, also over blank ones, without looking for comments or headers in them', () => {
    assert.deepEqual(read('[w]\ncmd =\n  a\n\n\tb ; c\n  [d]\n  e=f\ng = 1'), {
      w: { cmd: '\na\nb ; c\n[d]\ne=f', g: '1' },
    });
  });

  it('keeps the blanks before the first option of a section in its name', () => {
    assert.deepEqual(read('[w]\n  cmd = a\n  k = v'), { w: { '  cmd': 'a\nk = v' } });
  });

  it('keeps every kind of name: dots, brackets, numbers, prototypes, quotes and other scripts', () => {
    const text = '[watcher:a.b]\nx[] = 1\n__proto__ = 2\n10 = c\n2 = d\n[a]\nb = 1\n[a.b]\n"q" = 1\n[__proto__]\nä = 1';
    const { sections } = readIni(text, 'a.ini');
    const names = sections.map(({ name, options }) => [name, options.map(({ key }) => key)]);
    assert.deepEqual(names, [
      ['watcher:a.b', ['x[]', '__proto__', '10', '2']],
      ['a', ['b']],
      ['a.b', ['"q"']],
      ['__proto__', ['ä']],
    ]);
  });

  it('ends a section name at the last bracket of the line and ignores what follows', () => {
    assert.deepEqual(Object.keys(read('[w] ; note\na=1\n[env:[ab]*]\na=1\n[ x ]\na=1\n[v] # [n]\na=1')), [
      'w',
      'env:[ab]*',
      ' x ',
      'v] # [n',
    ]);
  });

  it('reads all three kinds of line end, a byte order mark, and separators that only JavaScript sees', () => {
    assert.deepEqual(read('\uFEFF[w]\r\na = 1\rb = x\u2028y\n\u00a0z\nc = \u0085x\u001f'), {
      w: { a: '1', b: 'x\u2028y\nz', c: 'x' },
    });
  });

  it('lets the first of two definitions count, and tells of the second', () => {
    assert.deepEqual(read('[w]\na = 1\n[w]\na = 2\n  3\nb = 4'), { w: { a: '1\n3', b: '4' } });
    assert.deepEqual(errors('[w]\na = 1\n[w]\na = 2'), [
      {
        severity: 'warning',
        line: 4,
        column: 1,
        message: '"a" is already set in line 2 of this file, which counts, so this line is ignored',
      },
    ]);
  });

  it('keeps [DEFAULT] apart', () => {
    const all = asRead(mergeFiles('a.ini', [readIni('[DEFAULT]\nx = 1\n[w]\na = 1', 'a.ini')]));
    assert.deepEqual(all, { sections: { w: { a: '1' } }, DEFAULT: { x: '1' } });
  });

  it('knows where each value stands', () => {
    const [section] = readIni('\n[w]\nab =  1\n', 'a.ini').sections;
    assert.deepEqual(section, {
      name: 'w',
      file: 'a.ini',
      line: 2,
      options: [{ key: 'ab', value: '1', file: 'a.ini', line: 3, column: 7 }],
    });
  });

  it('reports every line that cannot be read and reads the others', () => {
    const text = '[w]\n{% if x %}\na = 1\nflag\n= 2';
    assert.deepEqual(read(text), { w: { a: '1' } });
    assert.deepEqual(errors(text), [
      { severity: 'error', line: 2, column: 1, message: '"{% if x %}" has neither "=" nor ":" and cannot be read' },
      { severity: 'error', line: 4, column: 1, message: '"flag" has neither "=" nor ":" and cannot be read' },
      { severity: 'error', line: 5, column: 1, message: '"= 2" has no name before "=" and cannot be read' },
    ]);
  });

  it('skips what stands before the first section, and tells once', () => {
    assert.deepEqual(read('a = 1\n b = 2\n[w]\nc = 3'), { w: { c: '3' } });
    assert.deepEqual(errors('\n  a = 1\nb = 2\n[w]\nc = 3'), [
      {
        severity: 'error',
        line: 2,
        column: 3,
        message: '"a = 1" is not in a section, so the lines up to the first are skipped',
      },
    ]);
  });

  it('does not put the lines under a broken header into the section before', () => {
    const text = '[watcher:a]\ncmd = a\n[watcher:b\ncmd = b\nuid = c\n[watcher:d]\ncmd = d';
    assert.deepEqual(read(text), { 'watcher:a': { cmd: 'a' }, 'watcher:d': { cmd: 'd' } });
    assert.deepEqual(errors(text), [
      {
        severity: 'error',
        line: 3,
        column: 1,
        message: 'section header "[watcher:b" has no "]", so the lines up to the next section are skipped',
      },
    ]);
  });
});
