import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { expand, quoteWord, splitWords } from '../../core/command.js';

/** What Python's shlex makes of each text: its words, or null where it raises an error. */
function shlex(texts: readonly string[]): (string[] | null)[] {
  const script = `
import json, shlex, sys
def split(text):
    try: return shlex.split(text)
    except ValueError: return None
print(json.dumps([split(text) for text in json.load(sys.stdin)]))`;
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(texts) }).toString());
}

function words(text: string): string[] | null {
  try {
    return splitWords(text);
  } catch (error) {
    assert.equal((error as { code: string }).code, 'ERR_COMMAND_UNBALANCED');
    return null;
  }
}

/** Always the same texts: a failure can be looked at again. */
function randomTexts(count: number): string[] {
  const pieces = [
    'a',
    'B',
    '-',
    '$',
    '#',
    "'",
    "'",
    '"',
    '"',
    '\\',
    '\\',
    ' ',
    ' ',
    '\t',
    '\n',
    '\r',
    '\f',
    '\v',
  ].concat(['\u00a0', '\u2003', 'é', '𝄞', '$(x)', '&&', ';', '=', '""', "''"]);
  let seed = 42;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * below);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: random(14) }, () => pieces[random(pieces.length)]).join(''),
  );
}

describe('splitWords', () => {
  it('splits 600 random texts as shlex does', () => {
    const texts = randomTexts(600);
    const expected = shlex(texts);
    assert.ok(expected.some((split) => split === null) && expected.some((split) => (split?.length ?? 0) > 2));
    for (const [at, text] of texts.entries()) assert.deepEqual(words(text), expected[at], JSON.stringify(text));
  });

  it('takes quotes apart, and leaves comments, operators and variables alone', () => {
    assert.deepEqual(splitWords(`sh -c 'a && "b"' # $HOME "x \\" \\y"`), [
      'sh',
      '-c',
      'a && "b"',
      '#',
      '$HOME',
      'x " \\y',
    ]);
  });

  it('names the text whose quotes are not balanced', () => {
    assert.throws(() => splitWords('say "no'), {
      code: 'ERR_COMMAND_UNBALANCED',
      message: /"say "no" are not balanced/,
    });
  });
});

describe('quoteWord', () => {
  it('is undone by splitting, and leaves plain words as they are', () => {
    for (const word of ['', "it's", 'a b', '$HOME', '"', '\\', 'new\nline', 'é'])
      assert.deepEqual(splitWords(quoteWord(word)), [word]);
    assert.equal(quoteWord('--fd=3,4:5@x_%+./-'), '--fd=3,4:5@x_%+./-');
  });
});

describe('expand', () => {
  const lookup = (name: string) =>
    new Map([
      ['wid', '7'],
      ['env.home', '/root'],
      ['sockets.a-b', '64'],
      ['empty', ''],
    ]).get(name);

  it('fills in both forms, without regard to case', () => {
    assert.equal(expand('$(circus.wid) ((circus.wid)) $(CIRCUS.WID) ((circus.ENV.Home))', lookup), '7 7 7 /root');
    assert.equal(expand('--fd $(circus.sockets.a-b)x', lookup), '--fd 64x');
  });

  it('leaves unknown names and broken forms as they are, and fills in an empty value', () => {
    for (const text of ['$(circus.nobody)', '$(circus.wid', '((circus.wid)', '$(wid)', '$(circus.)', '$WID', '%s'])
      assert.equal(expand(text, lookup), text);
    assert.equal(expand('[$(circus.empty)]', lookup), '[]');
  });

  it('does not fill in what was filled in', () => {
    assert.equal(
      expand('$(circus.x)', () => '$(circus.x)'),
      '$(circus.x)',
    );
    assert.equal(
      expand('$(circus.x)', () => '$&'),
      '$&',
    );
  });
});
