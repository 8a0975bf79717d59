/** The words that all plugins and the reader of files understand alike. */
import assert from 'node:assert/strict';
import * as v from 'valibot';
import { convert } from '../../cli/config/convert.js';
import { refuse } from '#plugins/flaw.js';
import { nearest } from '#plugins/nearest.js';
import { boolean, seconds } from '#plugins/schema.js';
import { signalNumber } from '#plugins/signal.js';
import { truthOf } from '#plugins/truth.js';
import { readSeconds } from '#plugins/units.js';

describe('a word', () => {
  it('for true or false means the same in a file and in options of plugins', () => {
    const words = ['yes', 'TRUE', ' on ', '1', 'no', 'False', 'off', '0', 'maybe', '', 'constructor'];
    const known = [true, true, true, true, false, false, false, false, undefined, undefined, undefined];
    assert.deepEqual(words.map(truthOf), known);
    for (const [at, word] of words.entries()) {
      const read = convert('bool', word);
      assert.equal('value' in read ? read.value : undefined, known[at]);
      const { success, output } = v.safeParse(boolean(), word);
      assert.equal(success ? output : undefined, known[at]);
    }
  });

  it('that is as near to two names means the one with a letter more', () => {
    assert.equal(nearest('staus', ['stats', 'status']), 'status');
    assert.equal(nearest('stat', ['stats', 'start']), 'stats');
  });

  it('for a signal means the same in every option', () => {
    const words = ['TERM', 'sigterm', ' 15 ', 'CLD', 'RTMIN+1', 'SIGRTMAX-2', 'TREM', '-1', 'constructor'];
    assert.deepEqual(words.map(signalNumber), [15, 15, 15, 17, 35, 62, undefined, -1, undefined]);
    for (const word of words.slice(0, 6)) assert.deepEqual(convert('signal', word), { value: signalNumber(word) });
  });

  it('for a time is a number of seconds, or has units', () => {
    const words = ['1.5', ' 2 ', '1e1', '1m30s', '500ms', '', 'soon', '0x10', '1e999'];
    const read = [1.5, 2, 10, 90, 0.5, undefined, undefined, undefined, undefined];
    assert.deepEqual(words.map(readSeconds), read);
    for (const [at, word] of words.entries()) {
      const { success, output } = v.safeParse(seconds('It.'), word);
      assert.equal(success ? output : undefined, read[at] === undefined ? undefined : read[at] * 1000);
    }
  });
});

describe('a watcher with flaws', () => {
  it('is refused for all of them, and not for what is merely likely wrong', () => {
    const flaws = [
      { key: 'a', message: 'is wrong' },
      { key: 'b', message: 'may be meant', likely: true as const },
      { key: 'c', message: 'is wrong too' },
    ];
    assert.throws(() => refuse(flaws), { message: '"a" is wrong; "c" is wrong too' });
    assert.doesNotThrow(() => refuse(flaws.slice(1, 2)));
  });
});
