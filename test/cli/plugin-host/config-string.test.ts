import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expand, quoteWord, splitWords } from '#core';
import { circusConfig, jsonConfig, keysLostIn, readConfig } from '../../../cli/plugin-host/config-string.js';

const words = fc.constantFrom(
  '$(circus.wid)',
  '((circus.env.a))',
  '(((circus.wid))',
  ':::',
  ':',
  ' ',
  "'",
  '"',
  '\\',
  'é',
  '\n',
);
const text = fc.array(fc.oneof(words, fc.string()), { maxLength: 5 }).map((parts) => parts.join(''));
const key = fc.stringMatching(/^[a-z_][\w.-]{0,8}$/);
const config = fc.dictionary(key, text, { maxKeys: 5, noNullPrototype: true });
const lookup = () => 'FILLED';
/** As a watcher's command line is made, and read at a spawn. */
const throughCommand = (word: string): string => {
  const [only, ...more] = splitWords(expand(quoteWord(word), lookup));
  assert.deepEqual(more, []);
  return only!;
};

describe('the configuration string of a plugin', () => {
  it('is read as Circus reads it', () => {
    const read = readConfig('__name__:plugin:x:::  a : 1 :::no colon:::url:tcp://h:1:::b:');
    assert.deepEqual(read, { __name__: 'plugin:x', a: '1', url: 'tcp://h:1', b: '' });
    assert.deepEqual(readConfig(''), {});
  });

  it('is written as Circus writes it: sorted entries, joined by three colons', () => {
    assert.equal(
      circusConfig({ name: 'plugin:x', b: '2 3', __name__: 'plugin:x' }),
      '__name__:plugin:x:::b:2 3:::name:plugin:x',
    );
  });

  it('keeps empty values, and colons at the ends, in the form of Circus', () => {
    for (const value of ['', ':', '::', '::a', 'a:', ':a::']) {
      const given = { a: value, b: '1' };
      assert.deepEqual(readConfig(circusConfig(given)), given);
      assert.deepEqual(keysLostIn(given), []);
    }
  });

  it('tells what the form of Circus cannot hold', () => {
    assert.deepEqual(keysLostIn({ a: 'x:::y', b: ' x', c: 'x\n', d: 'x', e: ':::' }), ['a', 'b', 'c', 'e']);
    fc.assert(
      fc.property(config, (given) => {
        const lost = keysLostIn(given);
        const read = readConfig(circusConfig(given));
        for (const name of Object.keys(given)) assert.equal(read[name] === given[name], !lost.includes(name));
      }),
    );
  });

  it('brings any text through a command line in our own form', () => {
    fc.assert(fc.property(config, (given) => assert.deepEqual(readConfig(throughCommand(jsonConfig(given))), given)));
  });

  it('is refused when it begins as JSON and is none, or holds more than texts', () => {
    assert.throws(() => readConfig('{"a"'), /begins as JSON/);
    assert.throws(() => readConfig('{"a": 1}'), /"a" is no text/);
  });
});
