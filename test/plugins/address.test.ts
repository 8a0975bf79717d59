import assert from 'node:assert/strict';
import { readUrl } from '#plugins/address.js';

describe('the address of something', () => {
  it('has a path that a request can carry', () => {
    const paths = ['http://unix:/a.sock:/日?q=é', 'http://unix:/a.sock:/a%20b', 'http://unix:/a.sock'].map(
      (text) => readUrl(text).path,
    );
    assert.deepEqual(paths, ['/%E6%97%A5?q=%C3%A9', '/a%20b', '/']);
  });
});
