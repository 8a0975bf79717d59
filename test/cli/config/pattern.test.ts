import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPaths, matches } from '../../../cli/config/pattern.js';

describe('config pattern', () => {
  it('matches as fnmatch of Python', () => {
    const cases: [string, string, boolean][] = [
      ['web', 'web', true],
      ['web', 'Web', false],
      ['web-1', 'web*', true],
      ['web', 'we?', true],
      ['we', 'we?', false],
      ['a.b', 'a.b', true],
      ['axb', 'a.b', false],
      ['b', '[a-c]', true],
      ['d', '[a-c]', false],
      ['d', '[!a-c]', true],
      [']', '[]]', true],
      ['x', '[!]]', true],
      ['-', '[a-]', true],
      ['b', '[c-a]', false],
      ['^', '[^]', true],
      ['[ab', '[ab', true],
      ['\\', '[\\]', true],
      ['a\nb', 'a*b', true],
      ['😀', '?', true],
      ['', '*', true],
      ['xweb', 'web', false],
    ];
    for (const [name, pattern, expected] of cases) assert.equal(matches(name, pattern), expected, `${name} ${pattern}`);
  });

  it('takes no longer for a pattern that fits in many ways', () => {
    const begun = performance.now();
    for (const pattern of ['*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b', '*?*?*?*?*?*?*?*?*?*b', '*[a-c]*[!d]*[a-c]*[!d]*b']) {
      assert.equal(matches('a'.repeat(5000), pattern), false);
      assert.equal(matches(`${'a'.repeat(5000)}b`, pattern), true);
    }
    assert.ok(performance.now() - begun < 1000);
  });

  describe('in the file system', () => {
    let folder: string;
    before(() => {
      folder = mkdtempSync(join(tmpdir(), 'circusd-pattern-'));
      mkdirSync(join(folder, 'b/c'), { recursive: true });
      mkdirSync(join(folder, 'a'));
      for (const name of ['b/2.ini', 'b/10.ini', 'b/.hidden.ini', 'a/1.ini', 'b/c/3.ini', 'b/x.txt']) {
        writeFileSync(join(folder, name), '');
      }
    });
    after(() => rmSync(folder, { recursive: true }));

    const found = (pattern: string): string[] =>
      findPaths(`${folder}/${pattern}`).map((path) => path.slice(folder.length + 1));

    it('finds files sorted by name, wildcards in any segment, hidden ones only when asked for', () => {
      assert.deepEqual(found('b/*.ini'), ['b/10.ini', 'b/2.ini']);
      assert.deepEqual(found('*/*.ini'), ['a/1.ini', 'b/10.ini', 'b/2.ini']);
      assert.deepEqual(found('**/*.ini'), ['a/1.ini', 'b/10.ini', 'b/2.ini']);
      assert.deepEqual(found('b/.*.ini'), ['b/.hidden.ini']);
      assert.deepEqual(found('[!b]/1.ini'), ['a/1.ini']);
    });

    it('finds nothing where nothing is', () => {
      assert.deepEqual(found('c/*.ini'), []);
      assert.deepEqual(found('b/3.ini'), []);
      assert.deepEqual(found('b/x.txt/*'), []);
    });
  });
});
