import assert from 'node:assert/strict';
import { agesOf, timeLeft } from '#plugins/max-age/age.js';

describe('the age of a process', () => {
  it('is what the options say, in ms, with Circus’s variance where they say nothing', () => {
    assert.deepEqual(agesOf({ max_age: '60' }), { age: 60_000, variance: 30_000 });
    assert.deepEqual(agesOf({ max_age: 60, max_age_variance: 0 }), { age: 60_000, variance: 0 });
  });

  it('is without a limit where it is 0 or not set', () => {
    assert.deepEqual([agesOf({}), agesOf({ max_age: 0 }), agesOf({ max_age: '0' })], [undefined, undefined, undefined]);
    assert.equal(agesOf({ max_age_variance: 5 }), undefined);
  });

  it('is a whole number, not negative', () => {
    for (const value of [-1, 1.5, 'old', '', true, {}, Infinity])
      assert.throws(() => agesOf({ max_age: value }), /^Error: "max_age" must be a whole number of seconds, and is /);
    assert.throws(() => agesOf({ max_age: 0, max_age_variance: 'x' }), /"max_age_variance" must be .* "x"$/);
  });

  it('ends at a time of its own between the least and the most', () => {
    const ages = { age: 60_000, variance: 30_000 };
    assert.deepEqual(
      [0, 0.5, 1].map((share) => timeLeft(ages, share, 20_000)),
      [40_000, 55_000, 70_000],
    );
    assert.equal(timeLeft(ages, 0, 70_000), 0);
  });
});
