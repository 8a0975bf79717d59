import assert from 'node:assert/strict';
import {
  isSpent,
  judgeGrowing,
  noEnds,
  pauseAfter,
  waitForTurn,
  type GrowingLimits,
} from '#plugins/flapping/intensity.js';
import { settingsOf } from '#plugins/flapping/settings.js';
import { optionsSchema, type Options } from '../../../plugins/flapping/options.js';

const limits: GrowingLimits = {
  ...{ attempts: 2, stable: 30_000, retry_in: 7000, backoff: 2, retry_max: 60_000, jitter: 0, max_retry: 5 },
  ...{ atLast: 'retry_later', retry_later: 60_000 },
};

/** The verdicts on processes that lived so long (ms), as words: `.` for none, a number of seconds, `turn` or `stop`. */
function verdicts(lives: readonly number[], changed: Partial<GrowingLimits> = {}): string {
  const words: string[] = [];
  lives.reduce((ends, lived) => {
    const { ends: after, verdict } = judgeGrowing(ends, lived, { ...limits, ...changed }, 0);
    if (verdict === undefined) words.push('.');
    else if (typeof verdict === 'string') words.push(verdict === 'in turn' ? 'turn' : verdict);
    else words.push(String(verdict.retryIn / 1000));
    return after;
  }, noEnds);
  return words.join(' ');
}
const brief = (count: number) => Array.from({ length: count }, () => 10);

describe('growing pauses', () => {
  const table: readonly [string, readonly number[], Partial<GrowingLimits>, string][] = [
    ['let the first failure pass', brief(1), {}, '.'],
    ['grow up to the longest one, and then it is tried in turn', brief(9), {}, '. 7 14 28 56 60 turn turn turn'],
    ['begin with the first end with attempts = 1', brief(2), { attempts: 1 }, '7 14'],
    ['let more pass with attempts = 4', brief(5), { attempts: 4 }, '. . . 7 14'],
    ['are all the same with backoff = 1', brief(4), { backoff: 1 }, '. 7 7 7'],
    ['count all that is not stable, however long it lived', [29_999, 29_999, 29_999], {}, '. 7 14'],
    ['begin anew after what was stable', [1, 1, 1, 30_000, 1, 1], {}, '. 7 14 . 7 14'],
    ['begin at once after what was stable, with attempts = 1', [1, 1, 30_000], { attempts: 1 }, '7 14 7'],
    ['begin anew also when the tries are used up', [...brief(3), 40_000, 1], { max_retry: 1 }, '. 7 turn . 7'],
    ['never end with max_retry = -1', brief(9), { max_retry: -1 }, '. 7 14 28 56 60 60 60 60'],
    ['are none with max_retry = 0', brief(3), { max_retry: 0 }, '. turn turn'],
    ['end for good with then = give_up', brief(4), { max_retry: 2, atLast: 'give_up' }, '. 7 14 stop'],
  ];
  for (const [sentence, lives, changed, expected] of table) {
    it(sentence, () => {
      assert.equal(verdicts(lives, changed), expected);
    });
  }

  it('are shorter by up to the jitter, and never longer', () => {
    const jittered = { ...limits, jitter: 0.1 };
    assert.deepEqual(
      [0, 0.5, 1].map((chance) => pauseAfter(0, jittered, chance)),
      [7000, 6650, 6300],
    );
    assert.deepEqual(
      [0, 1].map((chance) => pauseAfter(20, jittered, chance)),
      [60_000, 54_000],
    );
    assert.equal(pauseAfter(100_000, jittered, 0), 60_000);
  });

  it('are used up after the last one, not with it', () => {
    const spent = [4, 5, 6].map((tries) => isSpent({ lives: [], tries }, limits));
    assert.deepEqual([spent, isSpent({ lives: [], tries: 99 }, { max_retry: -1 })], [[false, false, true], false]);
  });
});

describe('the turn of a half-open place', () => {
  it('comes after those of all others, one in each interval', () => {
    assert.equal(waitForTurn([], 60_000), 60_000);
    assert.equal(waitForTurn([30_000], 60_000), 90_000);
    assert.equal(waitForTurn([30_000, 90_000], 60_000), 150_000);
    assert.equal(waitForTurn([-500], 60_000), 60_000);
  });
});

describe('the policy of a watcher', () => {
  const read = (section: Readonly<Record<string, unknown>>): Options => {
    const result = optionsSchema['~standard'].validate(section);
    assert.ok(!(result instanceof Promise) && !result.issues);
    return result.value;
  };
  const policyOf = (section: Readonly<Record<string, unknown>>, options: Readonly<Record<string, unknown>> = {}) => {
    const { policy, active } = settingsOf(read(section), { options });
    return active ? policy : 'none';
  };

  it('is Circus’s with Circus’s options, or none', () => {
    assert.equal(policyOf({}), 'circus');
    assert.equal(policyOf({ attempts: 3, window: 5, retry_in: 1, max_retry: -1, active: true }), 'circus');
    assert.deepEqual(settingsOf(read({}), { options: {} }), {
      ...{ policy: 'circus', active: true, attempts: 2, window: 1000, retry_in: 7000, max_retry: 5 },
    });
  });

  it('is that of growing pauses as soon as anything else is said', () => {
    const others = [
      ['stable', 1],
      ['backoff', 1],
      ['retry_max', 60],
      ['jitter', 0],
      ['then', 'give_up'],
      ['retry_later', 60],
    ] as const;
    for (const [name, value] of others) assert.equal(policyOf({ [name]: value }), 'backoff', name);
    for (const name of ['success_exit_codes', 'no_restart_exit_codes'])
      assert.equal(policyOf({}, { [name]: '3' }), 'backoff', name);
    for (const name of ['only_asked', 'restarts_per_second']) assert.equal(policyOf({ [name]: '0' }), 'circus', name);
  });

  it('is the one that is named', () => {
    assert.equal(policyOf({ policy: 'backoff' }), 'backoff');
    assert.equal(policyOf({ policy: ' Circus ' }, { success_exit_codes: '3' }), 'circus');
    assert.equal(policyOf({ backoff: 2, retry_later: 60 }, { 'flapping.policy': 'circus' }), 'circus');
  });

  it('is none for watchers that do not ask, where only those are judged', () => {
    assert.equal(policyOf({ only_asked: true }), 'none');
    assert.equal(policyOf({ only_asked: true }, { mine: 1 }), 'none');
    assert.equal(policyOf({ only_asked: true }, { 'flapping.window': 5 }), 'circus');
    assert.equal(policyOf({ only_asked: true }, { no_restart_exit_codes: '3' }), 'backoff');
    assert.equal(policyOf({ only_asked: true, active: false }, { 'flapping.window': 5 }), 'none');
  });

  it('has defaults that fit what is said', () => {
    assert.deepEqual(settingsOf(read({ policy: 'backoff' }), { options: {} }), {
      ...{ policy: 'backoff', active: true, ...limits, jitter: 0.1 },
    });
    const own = settingsOf(read({ retry_later: '5m' }), {
      options: { 'flapping.then': 'give_up', 'flapping.window': '' },
    });
    assert.ok(own.policy === 'backoff');
    assert.deepEqual([own.atLast, own.retry_later, own.stable], ['give_up', 300_000, 30_000]);
    const said = settingsOf(read({ backoff: 3, retry_in: '2m', window: 5 }), { options: {} });
    assert.ok(said.policy === 'backoff');
    assert.deepEqual([said.stable, said.retry_max, said.backoff], [5000, 120_000, 3]);
  });
});
