import assert from 'node:assert/strict';
import {
  breaks,
  exceeded,
  inBytes,
  limitInWords,
  withSample,
  type History,
  type Limit,
  type Sample,
} from '#plugins/resource-watcher/limits.js';

const machine = 1000;
const limit = (given: Partial<Limit>): Limit => ({ key: 'a', what: 'memory', side: 'over', value: 100, ...given });
const sample = (memory: number, cpu?: number): Sample => ({ memory, cpu });

/** The limit that is found after each of these samples of memory. */
function found(values: readonly number[], need: number, of: number): string {
  let history: History = new Map();
  const limits = [limit({})];
  return values
    .map((value) => {
      history = withSample(history, sample(value), limits, { need, of }, machine);
      return exceeded(history, limits, { need, of }) ? 'X' : '-';
    })
    .join('');
}

describe('limits of what processes use', () => {
  it('are broken by more than the most, and by no more than the least', () => {
    assert.deepEqual(
      [100, 101].map((memory) => breaks(limit({}), sample(memory), machine)),
      [false, true],
    );
    assert.deepEqual(
      [100, 101].map((memory) => breaks(limit({ side: 'under' }), sample(memory), machine)),
      [true, false],
    );
  });

  it('say nothing about a processor whose share is not known yet', () => {
    assert.equal(breaks(limit({ what: 'cpu', value: 50 }), sample(0), machine), false);
    assert.equal(breaks(limit({ what: 'cpu', side: 'under' }), sample(0), machine), false);
    assert.equal(breaks(limit({ what: 'cpu', value: 50 }), sample(0, 51), machine), true);
  });

  it('of health are about the mean of both shares', () => {
    const health = limit({ what: 'health', value: 50 });
    assert.equal(breaks(health, sample(500, 50), machine), false);
    assert.equal(breaks(health, sample(500, 51), machine), true);
    assert.equal(breaks(health, sample(1000), machine), false);
  });

  it('are exceeded after N of M samples, of which the newest must be one', () => {
    assert.equal(found([200, 50, 200, 50, 200], 3, 5), '----X');
    assert.equal(found([200, 50, 50, 200, 50, 200], 3, 5), '------');
    assert.equal(found([200, 200, 200, 50, 200], 3, 5), '--X-X');
    assert.equal(found([200, 200, 50, 200, 200, 200], 4, 4), '------');
    assert.equal(found([200, 200, 200, 200], 4, 4), '---X');
    assert.equal(found([200], 1, 1), 'X');
  });

  it('are told in words', () => {
    assert.equal(limitInWords(limit({ value: 500 * 2 ** 20 })), 'more than 500M');
    assert.equal(limitInWords(limit({ what: 'cpu', side: 'under', value: 2.5 })), 'not more than 2.5%');
    assert.deepEqual([0, 512, 1536, 1.5 * 2 ** 30].map(inBytes), ['0B', '512B', '1.5K', '1.5G']);
  });
});
