import assert from 'node:assert/strict';
import { buildConfiguration } from '../../../cli/config/build.js';
import { formatProblem } from '../../../cli/config/problem.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { mergeFiles } from '../../../cli/config/sections.js';
import { showConfiguration } from '../../../cli/config/show.js';

const build = (text: string, file = 'a.ini') => {
  const built = buildConfiguration(
    mergeFiles(file, [readConfigurationText(text, file)]),
    {},
    { sections: ['endpoint'] },
  );
  const problems = built.problems.map((problem) => `${problem.severity} ${formatProblem(problem)}`);
  const priorities = built.watchers.map(({ spec }) => spec.priority);
  return { ...built, built, problems, priorities };
};
const watchers = `[watcher:db]
cmd = x
[watcher:search]
cmd = x
group = api
[watcher:web]
cmd = x
group = nightly, API
priority = 9
`;

describe('the section of a group', () => {
  it('has options for its members, under their own', () => {
    const {
      priorities,
      problems,
      watchers: built,
    } = build(`${watchers}[group:api]\npriority = 3\nenv.A = 1\nnice = 5`);
    assert.deepEqual([priorities, problems], [[0, 3, 9], []]);
    assert.deepEqual(
      built.map(({ spec }) => [spec.env, spec.options['nice']]),
      [
        [{}, undefined],
        [{ A: '1' }, '5'],
        [{ A: '1' }, '5'],
      ],
    );
  });

  it('goes over all defaults, and of two the one that is named first counts', () => {
    const text = `${watchers}[group:api]\nmax_retry = 3\nwarmup_delay = 3\n[group:nightly]\nmax_retry = 4\n`;
    const { watchers: built } = build(`${text}[defaults:web]\nmax_retry = 1\nwarmup_delay = 1\nnumprocesses = 7`);
    const { max_retry, warmup_delay, numprocesses } = built[2]!.spec;
    assert.deepEqual([max_retry, warmup_delay, numprocesses], [4, 3, 7]);
  });

  it('is for watchers, too, whose group is a default', () => {
    const text = `${watchers}[defaults:d*]\ngroup = data\n[group:data]\npriority = 2`;
    assert.deepEqual([build(text).priorities, build(text).problems], [[2, 0, 9], []]);
  });

  it('is told as the place of what it says', () => {
    const shown = showConfiguration(build(`${watchers}[group:api]\nnumprocesses = 2`).built, [], 'search');
    assert.match(shown, /^numprocesses = 2 +; a\.ini:11$/m);
    assert.match(shown, /^group = api +; a\.ini:5$/m);
  });

  it('without a member is a warning with the nearest group', () => {
    assert.deepEqual(build(`${watchers}[group:apis]\npriority = 1`).problems, [
      'warning a.ini:10:1: [group:apis] has no member and has no effect (did you mean "api"?)',
    ]);
  });

  it('can’t say which groups there are, nor what a watcher is called', () => {
    const { problems, priorities } = build(`${watchers}[group:api]\ngroup = x\nname = y\n[group:a b]\npriority = 1`);
    assert.deepEqual(problems, [
      'error a.ini:11:9: "group" can\'t be a default of a group',
      'error a.ini:12:8: "name" can\'t be a default of a group',
      "error a.ini:13:1: [group:a b] can't be a group: a selector could not name it",
    ]);
    assert.deepEqual(priorities, [0, 0, 9]);
  });

  it('that is wrong leaves out its members', () => {
    const { problems, priorities } = build(`${watchers}[group:api]\nnumprocesses = many\npriorty = 3`);
    assert.deepEqual(priorities, [0]);
    assert.equal(problems.length, 3);
    assert.match(problems[0]!, /^error a\.ini:11:16: .*; \[watcher:search\] is left out$/);
    assert.match(problems[2]!, /^warning a\.ini:12:1: "priorty" .*did you mean "priority"/);
  });

  it('is found before variables are: its members can’t have any', () => {
    const { problems } = build('[env]\nG = api\n[watcher:w]\ncmd = x\ngroup = $(circus.env.g)');
    assert.deepEqual(problems, ['error a.ini:5:9: "group" can have no variables; [watcher:w] is left out']);
  });

  it('can be written in YAML, with labels as a mapping', () => {
    const text =
      '{"groups": {"api": {"priority": 4}}, "watchers": {"w": {"cmd": "x", "group": ["api", "b"], "label": {"tier": "web"}}}}';
    const { watchers: built, problems } = build(text, 'a.json');
    assert.deepEqual([built[0]?.spec.priority, problems], [4, []]);
    assert.deepEqual(built[0]?.spec.options, { group: 'api, b', 'label.tier': 'web', __name__: 'watcher:w' });
  });
});

describe('an endpoint for groups', () => {
  const problems = (value: string) =>
    build(`${watchers}label.tier = web\n[endpoint:x]\naddress = ipc://x\nrole = view\nwatchers = ${value}`).problems;

  it('is quiet about names, and about groups and labels that there are', () =>
    assert.deepEqual(problems('ghost, w*, @API, tier=web, team!=a'), []));

  it('is warned of groups and labels that no watcher has', () => {
    const where = 'warning a.ini:14:12: "watchers" names';
    assert.deepEqual(problems('@apis'), [`${where} @apis, which no watcher is in (did you mean "@api"?)`]);
    assert.deepEqual(problems('web, tier=db'), [`${where} tier=db, which no watcher has`]);
    assert.deepEqual(problems('tier='), [`${where} tier=, which no watcher has`]);
  });
});
