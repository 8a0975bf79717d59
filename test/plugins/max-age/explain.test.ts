import assert from 'node:assert/strict';
import { watcherSpec } from '#core';
import type { Process, Watcher } from '#core';
import { explain } from '#plugins/max-age/explain.js';

const hour = 3_600_000;
const told = (options: Watcher['spec']['options'], ...ages: readonly number[]) =>
  explain({
    spec: watcherSpec({ name: 'web', cmd: 'true', options }),
    processes: ages.map((age, at) => ({ wid: at + 1, age, alive: true, stopping: undefined }) as unknown as Process),
  });

describe('the explanation of max_age', () => {
  const options = { max_age: 4 * 3600, max_age_variance: 3600 };

  it('says when each place is replaced, and when at the latest', () => {
    assert.deepEqual(told(options, hour, 4.5 * hour, 6 * hour), {
      facts: {
        max_age: [
          { wid: 1, earliest: 3 * 3600, latest: 4 * 3600 },
          { wid: 2, earliest: 0, latest: 1800 },
          { wid: 3, earliest: 0, latest: 0 },
        ],
      },
      text: [
        'Place 1 is replaced for its age in 3 h, at the latest in 4 h.',
        'Place 2 is replaced for its age in 30 min at the latest.',
        'Place 3 is replaced for its age now.',
      ],
    });
  });

  it('is one time where nothing is added at random, and leaves out what is too much to read', () => {
    assert.deepEqual(told({ ...options, max_age_variance: 0 }, hour)?.text, [
      'Place 1 is replaced for its age in 3 h.',
    ]);
    const { text = [] } = told(options, ...Array<number>(7).fill(0)) ?? {};
    assert.deepEqual([text.length, text.at(-1)], [6, 'The ages of the other 2 are left out here.']);
  });

  it('is nothing where there is no age, or no process', () => {
    assert.equal(told({}, hour), undefined);
    assert.equal(told(options), undefined);
  });
});
