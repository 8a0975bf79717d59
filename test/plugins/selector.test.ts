import assert from 'node:assert/strict';
import { groupsIn, isSelector, labelsOf, readSelector, type Subject } from '#plugins/selector.js';

const all: readonly Subject[] = [
  { name: 'Web', options: { group: 'api', 'label.tier': 'web', 'label.team': 'a' } },
  { name: 'search', options: { group: 'API, nightly', 'label.tier': 'web', 'label.team': 'b' } },
  { name: 'db', options: { 'label.tier': 'DB', 'label.team': 'a' } },
  { name: '@api', options: {} },
  { name: 'plugin:x' },
];
const chosen = (text: string, between?: 'commas') =>
  readSelector(text, between).map(({ matches }) => all.filter(matches).map(({ name }) => name));

describe('a selector', () => {
  it('is names, patterns and groups, with blanks or commas between them, in any case', () => {
    assert.deepEqual(chosen('web'), [['Web']]);
    assert.deepEqual(chosen('w* DB'), [['Web'], ['db']]);
    assert.deepEqual(chosen(' web,,  @NIGHTLY , s[ae]arch '), [['Web'], ['search'], ['search']]);
    assert.deepEqual(chosen('@n*'), [['search']]);
    assert.deepEqual(chosen('nobody @none'), [[], []]);
    assert.deepEqual(chosen('  '), []);
  });

  it('means a watcher of just that name, too', () => assert.deepEqual(chosen('@api'), [['Web', 'search', '@api']]));

  it('chooses by labels, all of them where only a comma is between', () => {
    assert.deepEqual(chosen('tier=web'), [['Web', 'search']]);
    assert.deepEqual(chosen('tier=web,team!=a'), [['search']]);
    assert.deepEqual(chosen('tier=web, team!=a'), [['search']]);
    assert.deepEqual(chosen('tier=web team=a'), [
      ['Web', 'search'],
      ['Web', 'db'],
    ]);
    assert.deepEqual(chosen('TIER=d?'), [['db']]);
    assert.deepEqual(chosen('web,tier=web,team=b,db'), [['Web'], ['search'], ['db']]);
    assert.deepEqual(chosen('tier!=*'), [['@api']]);
  });

  it('says nothing of the labels of what has no options', () => {
    assert.ok(!chosen('tier!=web').flat().includes('plugin:x'));
    assert.deepEqual(chosen('plugin:*'), [['plugin:x']]);
  });

  it('may have blanks in its names where only commas are between', () => {
    const subject = { name: 'big cat', options: {} };
    const means = (text: string) => readSelector(text, 'commas').map(({ matches }) => matches(subject));
    assert.deepEqual(means('big cat , a'), [true, false]);
    assert.deepEqual(chosen('tier=web, team=b , db', 'commas'), [['search'], ['db']]);
  });

  it('that is no label is a name that nobody has', () => {
    for (const text of ['tier=', '=web', 'a==b', 'tier!web=x=y'])
      assert.deepEqual([isSelector(text), chosen(text)], [true, [[]]], text);
  });

  it('is told from a plain name', () => {
    for (const text of ['web', 'a.b', 'big cat', 'web,db', 'x@y', '']) assert.ok(!isSelector(text), text);
    for (const text of ['@a', 'w*', 'w?', '[w]', 'a=b', 'web @api', 'web,@api']) assert.ok(isSelector(text), text);
  });
});

describe('what a watcher belongs to', () => {
  it('are the groups between commas or blanks, each once, also as a list', () => {
    assert.deepEqual(groupsIn('api, nightly api'), ['api', 'nightly']);
    assert.deepEqual(groupsIn(['api', 'a,b']), ['api', 'a', 'b']);
    for (const nothing of ['', null, undefined, 5]) assert.deepEqual(groupsIn(nothing), []);
  });

  it('are labels that were not taken away, as texts', () => {
    const options = { 'label.a': 'x', 'label.b': null, 'label.c.d': 5, label: 'no' };
    assert.deepEqual(labelsOf({ name: 'w', options }), { a: 'x', 'c.d': '5' });
  });
});
