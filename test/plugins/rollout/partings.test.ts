import assert from 'node:assert/strict';
import { cutOff, type Circumstances } from '#plugins/rollout/partings.js';

describe('connections that were open when a process was seen last', () => {
  const given: Circumstances = { isLate: false, catches: true, isFresh: true };
  const cut = (own: number, listens: boolean, more: Partial<Circumstances> = {}, forced = false) =>
    cutOff({ connections: own + 1, own, listens }, { forced }, { ...given, ...more });

  it('were cut off where it does nothing about its stop signal', () => {
    assert.equal(cut(1, true, { catches: false }), 1);
    assert.equal(cut(0, true, { catches: false }), 0);
  });

  it('were cut off where several went at once with one that still listened', () => {
    assert.equal(cut(3, true), 3);
    assert.equal(cut(1, true), 0);
  });

  it('may have been served by one that had closed its door, or was not seen since', () => {
    assert.equal(cut(3, false), 0);
    assert.equal(cut(3, true, { isFresh: false }), 0);
  });

  it('were cut off by SIGKILL, and where a drain took all its time, also those of its tree', () => {
    assert.equal(cut(2, false, {}, true), 3);
    assert.equal(cut(1, false, { isLate: true }), 2);
  });
});
