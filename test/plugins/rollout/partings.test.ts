import assert from 'node:assert/strict';
import { cutOff } from '#plugins/rollout/partings.js';

describe('connections that were open when a process was seen last', () => {
  const bySignal = { signal: 15, forced: false };
  const byItself = { signal: null, forced: false };

  it('were cut off where its stop signal ended a process that still listened', () => {
    assert.equal(cutOff({ connections: 1, listens: true }, bySignal, false), 1);
    assert.equal(cutOff({ connections: 0, listens: true }, bySignal, false), 0);
  });

  it('were cut off where several went with a process that ended by itself and still listened', () => {
    assert.equal(cutOff({ connections: 3, listens: true }, byItself, false), 3);
    assert.equal(cutOff({ connections: 1, listens: true }, byItself, false), 0);
  });

  it('may have been served by one that had closed its door', () => {
    for (const exit of [bySignal, byItself]) assert.equal(cutOff({ connections: 3, listens: false }, exit, false), 0);
  });

  it('were cut off by SIGKILL, and where a drain took all its time', () => {
    assert.equal(cutOff({ connections: 2, listens: false }, { signal: 9, forced: true }, false), 2);
    assert.equal(cutOff({ connections: 1, listens: false }, byItself, true), 1);
  });
});
