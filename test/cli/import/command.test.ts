import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expand, splitWords } from '#core';
import { buildConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { encodeCommand, encodeValue, encodeWords, reference, shellCommand } from '../../../cli/import/command.js';

const full = process.env.CIRCUSD_FULL === '1';

/** What a process of a watcher with this `cmd` would run. */
function wordsOf(cmd: string): readonly string[] {
  const { watchers, problems } = buildConfiguration(
    mergeFiles('a.ini', [readIni(`[watcher:a]\ncmd = ${cmd}\n`, 'a.ini')]),
    {},
  );
  assert.deepEqual(problems, [], cmd);
  const { cmd: line } = watchers[0]!.spec;
  assert.ok(typeof line === 'string');
  assert.equal(
    expand(line, () => 'filled in'),
    line,
  );
  return splitWords(line);
}

const pieces = [
  'a',
  'Ä',
  '😀',
  ' ',
  '  ',
  '\n',
  '\t',
  '\u00a0',
  '\u2028',
  ';',
  ' ;',
  '#',
  "'",
  '"',
  '\\',
  '$',
  '=',
  ':',
  '[x]',
];
const word = fc
  .array(fc.constantFrom(...pieces, '$(circus.wid)', '((circus.env.X))', '$HOME', '""', '%'), { maxLength: 8 })
  .map((parts) => parts.join(''));

describe('a command line', () => {
  it('is read back as the words that it was made of, whatever is in them', () => {
    const command = fc.tuple(
      word.filter((first) => first !== ''),
      fc.array(word, { maxLength: 4 }),
    );
    fc.assert(
      fc.property(command, ([first, rest]) => {
        const words = [first, ...rest];
        assert.deepEqual(wordsOf(encodeWords(words)!), words);
      }),
      { numRuns: full ? 50_000 : 1000 },
    );
  });

  it('is kept as it is written where that means the same', () => {
    assert.equal(encodeCommand(' run "a b" \'c\' '), 'run "a b" \'c\'');
    assert.equal(encodeCommand('run ";a ; b"'), `run ";a ; b"`);
    assert.deepEqual(wordsOf(encodeCommand('run "a ; b"')!), ['run', 'a ; b']);
    assert.throws(() => encodeCommand('run "a'));
    assert.equal(encodeCommand(' '), undefined);
  });

  it('cannot hold what no INI file can', () => {
    assert.equal(encodeWords(['a\rb']), undefined);
    assert.equal(encodeWords(['a\0b']), undefined);
  });

  it('may have variables that circusd fills in', () => {
    assert.equal(encodeWords(['run', `${reference('env.A')}/x y`]), "run '$(circus.env.A)/x y'");
  });
});

describe('a value', () => {
  const table: readonly (readonly [string, string | undefined])[] = [
    ['', '""'],
    ['a', 'a'],
    ['a\nb', 'a\n    b'],
    ['a;b ; c', 'a;b ; c'],
    [';x', ';x'],
    ['a ; b', undefined],
    ['""', undefined],
    [' a', undefined],
    ['a\n\nb', undefined],
    ['a\n b', undefined],
    ['a\rb', undefined],
    ['$(circus.env.X)', undefined],
    [reference('env.X'), '$(circus.env.X)'],
  ];
  for (const [value, written] of table) {
    it(`is ${written === undefined ? 'not written' : 'written'}: ${JSON.stringify(value)}`, () => {
      assert.equal(encodeValue(value), written);
    });
  }
});

describe("a shell's command line", () => {
  const table: readonly (readonly [string, readonly string[], boolean])[] = [
    ['run "a b" c', ['run', 'a b', 'c'], false],
    ['exec run a', ['run', 'a'], false],
    ['run $PORT', ['sh', '-c', 'exec run $PORT'], false],
    ['exec run $PORT', ['sh', '-c', 'exec run $PORT'], false],
    ['run *.txt > log 2>&1', ['sh', '-c', 'exec run *.txt > log 2>&1'], false],
    ['A=1 B="x y" run', ['sh', '-c', 'A=1 B="x y" exec run'], false],
    ['a && b', ['sh', '-c', 'a && b'], true],
    ['a | b', ['sh', '-c', 'a | b'], true],
    ['cd /x; run', ['sh', '-c', 'cd /x; run'], true],
    ['cd /x', ['sh', '-c', 'cd /x'], true],
    ['run "open', ['sh', '-c', 'exec run "open'], false],
    ['A=1', ['sh', '-c', 'A=1'], true],
  ];
  for (const [line, words, wrapped] of table) {
    it(`becomes ${JSON.stringify(words)}: ${line}`, () => {
      assert.deepEqual(shellCommand(line), { words, wrapped });
    });
  }

  it('does the same as it did', () => {
    for (const line of [
      'A=1 B="x y" sh -c \'echo "$A$B"\'',
      'echo "a b"  c',
      'printf %s\\\\n $((1+1))',
      'echo a; echo b',
    ]) {
      const { words } = shellCommand(line);
      const [program, ...args] = words;
      const ours = spawnSync(program!, args, { encoding: 'utf8' }).stdout;
      assert.equal(ours, spawnSync('sh', ['-c', line], { encoding: 'utf8' }).stdout, line);
      assert.notEqual(ours, '');
    }
  });
});
