import assert from 'node:assert/strict';
import { Arbiter, watcherSpec } from '#core';
import { matching, named } from '#plugins/controller/match.js';
import { globToRegExp } from '#plugins/glob.js';
import { python } from '../../support/python.js';

/** The same numbers in every run. */
function dice(): (sides: number) => number {
  let state = 20_261_124;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * sides);
  };
}

describe('the patterns for watchers', () => {
  function arbiterWith(...names: readonly string[]): Arbiter {
    const arbiter = new Arbiter();
    for (const name of names) arbiter.add(watcherSpec({ name, cmd: 'true' }));
    return arbiter;
  }
  const arbiter = arbiterWith('web-1', 'web-2', 'Web', 'db', 'a.b', 'big cat');
  const found = (pattern: string, method?: unknown) =>
    matching(arbiter.watchers, pattern, method).map(({ name }) => name);
  const refused = (pattern: string, method: unknown, errno: number, message: string | RegExp, hint?: string) =>
    assert.throws(() => matching(arbiter.watchers, pattern, method), { errno, message, hint });

  it('are globs, which mean the whole name in any case', () => {
    assert.deepEqual(found('web'), ['Web']);
    assert.deepEqual(found('WEB-?'), ['web-1', 'web-2']);
    assert.deepEqual(found('*'), ['web-1', 'web-2', 'Web', 'db', 'a.b', 'big cat']);
    assert.deepEqual(found('web-[!1]', 'glob'), ['web-2']);
    assert.deepEqual(found('?.b'), ['a.b']);
    assert.deepEqual(found('big*'), ['big cat']);
    refused('we', 'glob', 3, 'program we not found', 'did you mean "Web"?');
    refused('we?*b', 'glob', 3, 'program we?*b not found');
    refused('', undefined, 3, 'program  not found');
  });

  it('can be plain names, and regular expressions for the beginning of a name', () => {
    assert.deepEqual(found('WEB', 'simple'), ['Web']);
    refused('web*', 'simple', 3, 'program web* not found', 'did you mean "Web"?');
    assert.deepEqual(found('web', 'regex'), ['web-1', 'web-2', 'Web']);
    assert.deepEqual(found('web|db$', 'regex'), ['web-1', 'web-2', 'Web', 'db']);
    assert.deepEqual(found('\\S+$', 'regex'), ['web-1', 'web-2', 'Web', 'db', 'a.b']);
    refused('eb', 'regex', 3, 'program eb not found');
    refused('(', 'regex', 5, /Invalid regular expression/);
  });

  it('know no other method', () => {
    refused('web', 'fuzzy', 3, 'unknown match method fuzzy');
    refused('web', null, 3, 'unknown match method null');
    refused('web', 5, 3, 'unknown match method 5');
  });

  it('leave names alone where a name is asked for', () => {
    assert.equal(named(arbiter, 'WEB').name, 'Web');
    assert.throws(() => named(arbiter, 'web*'), {
      errno: 3,
      message: 'program web* not found',
      hint: 'did you mean "Web"?',
    });
  });

  it('match as Python’s fnmatch does, whatever they are', async () => {
    const roll = dice();
    const word = (alphabet: string, longest: number) => {
      const letters = [...alphabet];
      return Array.from({ length: roll(longest + 1) }, () => letters[roll(letters.length)]).join('');
    };
    const pairs = Array.from({ length: 5000 }, () => [word('ab*?[]!-^\\.&~|$😀', 9), word('ab-]^!\\.[😀', 6)] as const);
    const script = [
      'import fnmatch, json, sys',
      'pairs = json.load(sys.stdin)',
      'print(json.dumps([fnmatch.fnmatchcase(name, pattern) for pattern, name in pairs]))',
    ].join('\n');
    const { stdout } = await python(script, [], { input: JSON.stringify(pairs) });
    const expected = JSON.parse(stdout) as readonly boolean[];
    const different = pairs.filter(([pattern, name], at) => globToRegExp(pattern).test(name) !== expected[at]);
    assert.deepEqual(different, []);
    assert.ok(expected.filter(Boolean).length > 100);
  });

  it('cost little, however many stars they have', () => {
    const begun = performance.now();
    assert.equal(globToRegExp(`${'*a'.repeat(40)}b`).test('a'.repeat(500)), false);
    assert.ok(performance.now() - begun < 1000);
  });

  it('are given up when they take too long, or are longer than anybody writes', () => {
    const slow = arbiterWith('a'.repeat(40)).watchers;
    const begun = performance.now();
    const late = 'it takes more than 100 ms to compare the pattern with the names';
    assert.throws(() => matching(slow, '(a+)+$', 'regex').concat(matching(slow, '(a|a)+b', 'regex')), {
      errno: 5,
      message: late,
    });
    assert.ok(performance.now() - begun < 2000);
    const long = 'a pattern of more than 1024 characters is not compared with names';
    refused('x'.repeat(1025), 'regex', 5, long);
    refused('*'.repeat(1025), 'glob', 5, long);
    const name = 'y'.repeat(2000);
    assert.equal(matching(arbiterWith(name).watchers, name).length, 1);
  });
});
