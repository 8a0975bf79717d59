import assert from 'node:assert/strict';
import { afterEnd, afterFailure, noAttempts, pauseBefore } from '../../core/pace.js';

const times = <T>(count: number, step: (value: T) => T, value: T): T =>
  count === 0 ? value : times(count - 1, step, step(value));

describe('the floor under respawns', () => {
  it('lets a process that ended at once be followed at once three times, then 1 s after its start', () => {
    const pauses = [1, 2, 3, 4, 5].map((ends) =>
      pauseBefore(
        times(ends, (attempts) => afterEnd(attempts, 10), noAttempts),
        10,
      ),
    );
    assert.deepEqual(pauses, [0, 0, 0, 990, 990]);
  });

  it('forgets quick ends when one lived for a second', () => {
    const quick = times(9, (attempts) => afterEnd(attempts, 999), noAttempts);
    assert.equal(pauseBefore(quick, 999), 1);
    assert.equal(pauseBefore(afterEnd(quick, 1000), 1000), 0);
  });

  it('counts failed spawns too, and how many came in a row', () => {
    const failed = times(4, afterFailure, noAttempts);
    assert.deepEqual(failed, { quick: 4, failed: 4 });
    assert.equal(pauseBefore(failed, 0), 1000);
    assert.deepEqual(afterEnd(failed, 5), { quick: 5, failed: 0 });
  });

  it('never asks for a pause that is over', () => {
    assert.equal(pauseBefore({ quick: 9, failed: 0 }, 5000), 0);
  });
});
