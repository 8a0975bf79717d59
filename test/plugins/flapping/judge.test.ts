import assert from 'node:assert/strict';
import { judge, noEnds, type Limits } from '#plugins/flapping/intensity.js';

const limits: Limits = { attempts: 2, window: 1000, retry_in: 7000, max_retry: 5 };

/** The verdicts on processes that lived so long (ms), as short words: `.` for none, `r` for a pause, `s` for stop. */
function verdicts(lives: readonly number[], changed: Partial<Limits> = {}): string {
  const letters: string[] = [];
  lives.reduce((ends, lived) => {
    const { ends: after, verdict } = judge(ends, lived, { ...limits, ...changed });
    letters.push(verdict === undefined ? '.' : verdict === 'stop' ? 's' : 'r');
    if (typeof verdict === 'object') assert.deepEqual(verdict, { retryIn: changed.retry_in ?? limits.retry_in });
    return after;
  }, noEnds);
  return letters.join('');
}
const brief = (count: number) => Array.from({ length: count }, () => 10);

describe('the judgement of ends', () => {
  const table: readonly [string, readonly number[], Partial<Limits>, string][] = [
    ['one end is no flapping', [0], {}, '.'],
    ['two ends within the window are', [0, 1000], {}, '.r'],
    ['two ends further apart are not', [0, 1001], {}, '..'],
    ['how long the first one lived does not matter', [1e9, 5], {}, '.r'],
    ['only the last ends count', [0, 5000, 500, 100], {}, '..r.'],
    ['a pause clears the ends', [0, 1, 0, 1], {}, '.r.r'],
    ['five pauses, then no more', brief(13), {}, '.r.r.r.r.r.s.'],
    ['after giving up it begins anew', brief(15), { max_retry: 1 }, '.r.s.r.s.r.s.r.'],
    ['one that lived longer lets it begin anew', [0, 1, 10, 2000, 5, 5, 5], { max_retry: 1 }, '.r..r.s'],
    ['no pause at all with max_retry = 0', [0, 1, 2, 3], { max_retry: 0 }, '.s.s'],
    ['never give up with max_retry = -1', brief(20), { max_retry: -1 }, '.r'.repeat(10)],
    ['each end with attempts = 1', [0, 5000, 9000], { attempts: 1 }, 'rrr'],
    ['three ends with attempts = 3', [0, 500, 500, 1], { attempts: 3 }, '..r.'],
    ['all that was lived between the first and the last', [0, 600, 600, 300], { attempts: 3 }, '...r'],
    ['window = 0 means not a moment', [0, 0, 5, 1], { window: 0 }, '.r..'],
    ['retry_in is the pause', [0, 0], { retry_in: 250 }, '.r'],
  ];
  for (const [sentence, lives, changed, expected] of table) {
    it(sentence, () => {
      assert.equal(verdicts(lives, changed), expected);
    });
  }

  it('counts the pauses in a row', () => {
    let ends = noEnds;
    const tries = brief(8).map((lived) => {
      ({ ends } = judge(ends, lived, limits));
      return ends.tries;
    });
    assert.deepEqual(tries, [0, 1, 1, 2, 2, 3, 3, 4]);
  });

  it('changes nothing that it was given', () => {
    const ends = Object.freeze({ lives: Object.freeze([1, 2]), tries: 3 });
    judge(ends, 3, { ...limits, attempts: 5 });
    assert.deepEqual(ends, { lives: [1, 2], tries: 3 });
  });

  it('remembers no more ends than it needs', () => {
    let ends = noEnds;
    for (let count = 0; count < 100; count++) ({ ends } = judge(ends, 5000, { ...limits, attempts: 4 }));
    assert.equal(ends.lives.length, 4);
  });
});
