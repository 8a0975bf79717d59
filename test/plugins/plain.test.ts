import assert from 'node:assert/strict';
import { plain } from '#plugins/plain.js';

describe('a text for terminals', () => {
  it('has nothing that moves the cursor, turns writing round or begins a line', () => {
    assert.equal(plain('a\u001b[2J\u009bb\r\n\u2028\u2029\u202e\u200e\0'), 'a?[2J?b???????');
    assert.equal(plain('a\nb\tc', ' '), 'a b c');
    assert.equal(plain('Grüße, 你好 🙂'), 'Grüße, 你好 🙂');
  });
});
