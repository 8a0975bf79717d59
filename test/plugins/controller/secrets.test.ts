import assert from 'node:assert/strict';
import { watcherSpec } from '#core';
import { listOptions, withOptions } from '../../../plugins/controller/watcher-options.js';

describe('secrets of a watcher', () => {
  const spec = watcherSpec({ name: 'w', cmd: 'x', env: { A: '1', PASS: 'sesame' }, secrets: ['PASS'] });

  it('are masked in its options', () => {
    assert.deepEqual(listOptions(spec).env, { A: '1', PASS: '***' });
  });

  it('are kept when a client sends the mask back', () => {
    assert.deepEqual(withOptions(spec, { env: { A: '***', PASS: '***' } }).env, { A: '***', PASS: 'sesame' });
    assert.deepEqual(withOptions(spec, { env: { PASS: 'new' } }).env, { PASS: 'new' });
  });
});
