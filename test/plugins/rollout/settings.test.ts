import assert from 'node:assert/strict';
import { watcherSpec, type WatcherSpec } from '#core';
import { flawsOf, settingsOf } from '#plugins/rollout/settings.js';
import { runCircusd } from '../../support/circusd.js';
import { temporaryPerTest } from '../../support/temporary.js';

type Options = Readonly<Record<string, unknown>>;
/** The options with `reload.` put in front. */
const spec = (options: Options, given: Partial<WatcherSpec> = {}) =>
  watcherSpec({
    name: 'w',
    cmd: 'true',
    numprocesses: 4,
    options: Object.fromEntries(Object.entries(options).map(([key, value]) => [`reload.${key}`, value])),
    ...given,
  });
const flaws = (options: Options, given?: Partial<WatcherSpec>) =>
  flawsOf(spec(options, given), '/').map(({ key, message }) => `${key} ${message}`);

/** Options, and what is said against them. */
const wrong: readonly (readonly [Options, RegExp, Partial<WatcherSpec>?])[] = [
  [{ bach: '2' }, /^reload.bach is no option \(did you mean "reload.batch"\?\)$/],
  [{ batch: '0' }, /^reload.batch has a wrong value: it is at least 1$/],
  [{ batch: 'all' }, /^reload.batch has a wrong value: "all" is not a whole number$/],
  [{ surge: '-1' }, /^reload.surge has a wrong value: it is at least 0$/],
  [{ pause: 'soon' }, /^reload.pause has a wrong value: "soon" is not a number of seconds$/],
  [{ canary: 'perhaps' }, /^reload.canary has a wrong value: "perhaps" is not true or false$/],
  [{ canary: '1', canary_time: '0' }, /^reload.canary_time has a wrong value: it is no time at all$/],
  [{ canary: '1', canary_share: '0' }, /^reload.canary_share has a wrong value: "0" is neither a number of copies/],
  [{ canary: '1', canary_share: '120%' }, /^reload.canary_share has a wrong value: "120%" is neither/],
  [{ canary: '1', canary_share: '5' }, /^reload.canary_share is 5, and "numprocesses" is only 4$/],
  [{ canary: '1', canary_share: '3', surge: '2' }, /^reload.canary_share means 3 copies, and "reload.surge" allows/],
  [{ canary_share: '2' }, /^reload.canary_share needs "reload.canary = 1"$/],
  [{ canary: 'no', canary_time: '5' }, /^reload.canary_time needs "reload.canary = 1"$/],
  [{ canary: '1', surge: '0' }, /^reload.canary needs a new copy beside the old ones/],
  [{ canary: '1', order: 'stop_first' }, /^reload.canary needs a new copy beside/],
  [{ order: 'stop-first' }, /^reload.order has a wrong value: .* \(did you mean "stop_first"\?\)$/],
  [{ order: 'stop_first', surge: '1' }, /^reload.surge is 1, and "reload.order" is stop_first$/],
  [{ order: 'start_first', surge: '0' }, /^reload.surge is 0, and "reload.order" is start_first$/],
  [{ surge: '1' }, /^reload.surge is 1, and of a singleton/, { singleton: true, numprocesses: 1 }],
  [{ batch: '2' }, /^reload.batch is 2, and a singleton has a single/, { singleton: true, numprocesses: 1 }],
  [{ order: 'start_first' }, /^reload.order is start_first, and of a singleton/, { singleton: true, numprocesses: 1 }],
  [{ canary: '1' }, /^reload.canary needs a new copy/, { singleton: true, numprocesses: 1 }],
  [
    { drain: 'SIGWINSH' },
    /^reload.drain has a wrong value: .* neither a signal \(did you mean "SIGWINCH"\?\) nor exec/,
  ],
  [{ drain: 'KILL' }, /^reload.drain has a wrong value: "KILL" leaves no time for anything$/],
  [{ drain: '65' }, /^reload.drain has a wrong value: "65" is neither a signal nor exec:COMMAND$/],
  [{ drain: 'exec:' }, /^reload.drain has a wrong value: "exec:" has no command behind "exec:"$/],
  [
    { drain: 'exec:nowhere-to-be-found' },
    /^reload.drain has the command "exec:nowhere-to-be-found": program "nowhere-to/,
  ],
  [{ drain: 'USR1' }, /^reload.drain has no time: "graceful_timeout" is 0$/, { graceful_timeout: 0 }],
  [{ drain: 'TERM' }, /^reload.drain is the stop signal, which comes anyway$/],
];

describe('the settings of reloads', () => {
  const temporary = temporaryPerTest();

  for (const [options, message, given] of wrong)
    it(`are refused where they say ${JSON.stringify({ ...options, ...given })}`, () => {
      const all = flaws(options, given);
      assert.equal(all.length, 1, all.join('\n'));
      assert.match(all[0]!, message);
    });

  it('are one by one where nothing is said', () => {
    const { drain, ...rest } = settingsOf(spec({}));
    assert.deepEqual(rest, { batch: 1, stopFirst: false, pause: 0, canary: undefined, canaryTime: undefined });
    assert.equal(drain, undefined);
  });

  it('are read from texts, numbers and truths, and what is null is not there', () => {
    const options = { batch: 3, surge: '2', pause: '1m', canary: true, canary_share: '50%', canary_time: null };
    const { batch, pause, canary, canaryTime } = settingsOf(spec(options));
    assert.deepEqual([batch, pause, canary, canaryTime], [2, 60_000, 2, undefined]);
    assert.deepEqual(flaws({ ...options, drain: 'SIGUSR1' }), []);
    assert.deepEqual(settingsOf(spec({ drain: 'exec:sh -c "a b"' })).drain, { words: ['sh', '-c', 'a b'] });
    assert.deepEqual(settingsOf(spec({ drain: 10 })).drain, { signal: 10 });
  });

  it('begin with at least one copy, and stop first with a surge of 0', () => {
    assert.equal(settingsOf(spec({ canary: '1', canary_share: '1%' })).canary, 1);
    const { stopFirst, batch } = settingsOf(spec({ surge: '0', batch: '2' }));
    assert.deepEqual([stopFirst, batch], [true, 2]);
  });

  it('are refused with the file and the line', async () => {
    const ini =
      '[watcher:w]\ncmd = sleep 1\nnumprocesses = 2\nreload.canary = 1\nreload.canary_share = 3\nreload.bach = 2\n';
    const one = await runCircusd(['--check', temporary.write('circus.ini', ini)]);
    assert.match(one.stderr, /circus\.ini:6:\d+: .*reload\.bach.* is no option \(did you mean "reload\.batch"\?\)/);
    const two = await runCircusd(['--check', temporary.write('circus.ini', ini.replace(/reload\.bach.*/, ''))]);
    assert.match(two.stderr, /circus\.ini:5:\d+: .*reload\.canary_share.* is 3, and "numprocesses" is only 2/);
  });
});
