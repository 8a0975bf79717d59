import assert from 'node:assert/strict';
import { buildConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const build = (text: string) => {
  const built = buildConfiguration(mergeFiles('a.ini', [readIni(text, 'a.ini')]), {});
  const problems = built.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  const priorities = built.watchers.map(({ spec }) => spec.priority);
  return { ...built, problems, priorities };
};
const watchers = '[watcher:db]\ncmd = x\n[watcher:web-1]\ncmd = x\n[watcher:web-2]\ncmd = x\npriority = 9\n';

describe('defaults', () => {
  it('are options of all watchers, which those of the watcher itself go over', () => {
    assert.deepEqual(build(`${watchers}[defaults]\npriority = 1`).priorities, [1, 1, 9]);
    assert.deepEqual(build(`[watcher:*]\npriority = 1\n${watchers}`).priorities, [1, 1, 9]);
  });

  it('may be for watchers of some names, of which the most specific ones count', () => {
    const text =
      `${watchers}[defaults:web-1]\npriority = 4\n[defaults:web-*, x]\npriority = 3\nautostart = no\n` +
      '[defaults:w*]\npriority = 2\nrespawn = no\n[defaults]\npriority = 1';
    const { priorities, watchers: built } = build(text);
    assert.deepEqual(priorities, [1, 4, 9]);
    assert.deepEqual(
      built.map(({ spec }) => [spec.autostart, spec.respawn]),
      [
        [true, true],
        [false, false],
        [false, false],
      ],
    );
  });

  it('of the same kind go over earlier ones', () => {
    assert.deepEqual(
      build(`${watchers}[defaults:*eb-1]\npriority = 1\n[defaults:web-*]\npriority = 2`).priorities,
      [0, 2, 9],
    );
  });

  it('give variables, secrets and the command too', () => {
    const { watchers: built } = build('[defaults]\ncmd = $(circus.env.A)\nenv.A = 1\n[watcher:w]\nenv.B = 2');
    assert.deepEqual([built[0]?.spec.cmd, built[0]?.spec.env], ['1', { A: '1', B: '2' }]);
  });

  it('that are wrong leave out each watcher that has them', () => {
    const { problems, priorities } = build(`${watchers}[defaults]\npriority = high\ngraceful_timout = 3`);
    assert.deepEqual(priorities, [9]);
    assert.deepEqual(problems, [
      'error a.ini:9:12: "priority" must be a whole number, and is "high"; [watcher:db] is left out',
      'error a.ini:9:12: "priority" must be a whole number, and is "high"; [watcher:web-1] is left out',
      'warning a.ini:10:1: "graceful_timout" is not an option of a watcher (did you mean "graceful_timeout"?)' +
        ' and is kept as text that only plugins and clients can read',
    ]);
  });

  it('that no watcher has are told', () => {
    assert.deepEqual(build(`${watchers}[defaults:wbe-*]\npriority = 1`).problems, [
      'warning a.ini:8:1: [defaults:wbe-*] matches no watcher and has no effect',
    ]);
  });
});
