import assert from 'node:assert/strict';
import { diskFiles } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { makeTemporary } from '../../support/temporary.js';
import { hasYaml, importText, problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importCompose = (text: string, others: Record<string, string> = {}) =>
  importText('compose', '/app/compose.yml', text, others);
const service = (...lines: string[]) =>
  ['services:', '  web:', '    entrypoint: []', '    command: web', ...lines.map((line) => `    ${line}`)].join('\n');

describe('a Compose file', function () {
  before('see whether YAML can be read', function () {
    if (!hasYaml) this.skip();
  });

  const table: readonly (readonly [string, Record<string, string>])[] = [
    ['restart: always', {}],
    ['restart: "no"', { respawn: 'False' }],
    ['restart: no', { respawn: 'False' }],
    ['working_dir: /srv', { working_dir: '/srv', respawn: 'False' }],
    ['user: "1000:33"', { uid: '1000', gid: '33', respawn: 'False' }],
    ['stop_signal: SIGINT', { stop_signal: 'SIGINT', respawn: 'False' }],
    ['stop_grace_period: 1m30s', { graceful_timeout: '90', respawn: 'False' }],
    ['environment: { A: 1, B: "x y", C: }', { 'env.A': '1', 'env.B': 'x y', respawn: 'False' }],
    ['environment: [A=1, "B=x=y", C]', { 'env.A': '1', 'env.B': 'x=y', respawn: 'False' }],
    [
      'ulimits: { nofile: { soft: 9, hard: 9 }, nproc: 5, core: -1 }',
      {
        rlimit_nofile: '9',
        rlimit_nproc: '5',
        rlimit_core: '',
        respawn: 'False',
      },
    ],
    [
      'healthcheck: { test: [CMD, curl, "a b"], interval: 1m, timeout: 5s }',
      {
        'ready.exec': "curl 'a b'",
        'ready.interval': '60',
        'ready.probe_timeout': '5',
        respawn: 'False',
      },
    ],
    [
      'healthcheck: { test: [CMD, a], interval: 5s, timeout: 30s }',
      { 'ready.exec': 'a', 'ready.interval': '30', 'ready.probe_timeout': '30', respawn: 'False' },
    ],
    ['healthcheck: { test: "a || b" }', { 'ready.exec': "sh -c 'a || b'", respawn: 'False' }],
    [
      'healthcheck: { test: [CMD, a], interval: 10s, timeout: 5s, retries: 2, start_period: 1m, start_interval: 2s }',
      {
        'ready.exec': 'a',
        'ready.interval': '5',
        'ready.probe_timeout': '5',
        'ready.timeout': '90',
        respawn: 'False',
      },
    ],
    [
      'deploy: { restart_policy: { condition: any } }\n    healthcheck: { test: [CMD, a], retries: 5, timeout: 5s }',
      {
        'ready.exec': 'a',
        'ready.interval': '5',
        'ready.probe_timeout': '5',
        'ready.timeout': '175',
        'alive.exec': 'a',
        'alive.interval': '30',
        'alive.timeout': '5',
        'alive.failure_threshold': '5',
      },
    ],
    [
      'ulimits: { nofile: { soft: 9, hard: 18 }, core: { soft: 0, hard: -1 } }',
      { rlimit_nofile: '9:18', rlimit_core: '0:unlimited', respawn: 'False' },
    ],
    [
      'mem_limit: 500m\n    cpus: 1.5\n    cpu_shares: 512\n    pids_limit: 50',
      {
        'cgroup.memory_max': '500m',
        'cgroup.cpu_max': '1.5',
        'cgroup.cpu_weight': '50',
        'cgroup.pids_max': '50',
        respawn: 'False',
      },
    ],
    ['mem_limit: 0\n    cpus: 0\n    cpu_shares: 0\n    pids_limit: -1\n    cpu_quota: -1', { respawn: 'False' }],
    ['cpu_quota: 25000\n    cpu_period: 50000', { 'cgroup.cpu_max': '0.5', respawn: 'False' }],
    ['cpu_quota: 25000', { 'cgroup.cpu_max': '0.25', respawn: 'False' }],
    [
      'deploy: { resources: { limits: { cpus: "0.5", memory: 1gb, pids: 9 } } }',
      { 'cgroup.memory_max': '1gb', 'cgroup.cpu_max': '0.5', 'cgroup.pids_max': '9', respawn: 'False' },
    ],
    [
      'cap_add: [NET_BIND_SERVICE, CAP_KILL]\n    cap_drop: [ALL]',
      { capabilities: '-all, +net_bind_service, +kill', respawn: 'False' },
    ],
    ['cap_drop: [MKNOD]', { capabilities: '-mknod', respawn: 'False' }],
    ['security_opt: ["no-new-privileges:true"]', { no_new_privileges: 'True', respawn: 'False' }],
    ['security_opt: ["no-new-privileges:false"]', { respawn: 'False' }],
    ['healthcheck: { disable: true }', { respawn: 'False' }],
    ['deploy: { replicas: 3, restart_policy: { condition: any } }', { numprocesses: '3' }],
    ['scale: 2', { numprocesses: '2', respawn: 'False' }],
    ['oom_score_adj: 5', { oom_score_adj: '5', respawn: 'False' }],
  ];
  for (const [line, options] of table) {
    it(`keeps ${line}`, () => {
      const imported = importCompose(service(line));
      assert.deepEqual(watcherOf(imported, 'web'), { cmd: 'web', graceful_timeout: '10', ...options });
      assert.deepEqual(
        imported.unmapped.map(({ what }) => what),
        ['the containers'],
      );
    });
  }

  it('runs the entrypoint and the command', () => {
    const cmd = (lines: string) => watcherOf(importCompose(`services:\n  a:\n${lines}`), 'a')['cmd'];
    assert.equal(cmd('    entrypoint: [tini, --]\n    command: run "a b"'), "tini -- run 'a b'");
    assert.equal(cmd('    entrypoint: /run.sh -x'), '/run.sh -x');
    assert.equal(cmd('    command: [sh, -c, "echo $$HOME; x"]'), "sh -c 'echo $HOME; x'");
  });

  it('fills in variables from .env, with defaults, or leaves them to circusd', () => {
    const text = service(
      'environment:',
      '  A: ${A}',
      '  B: ${B:-b}',
      '  C: $C',
      '  D: ${E:+set}${A:+set}',
      '  F: ${F?must be there}',
    );
    const imported = importCompose(text, { '/app/.env': 'A=1\nE=\n' });
    const { 'env.A': a, 'env.B': b, 'env.C': c, 'env.D': d, 'env.F': f } = watcherOf(imported, 'web');
    assert.deepEqual([a, b, c, d, f], ['1', 'b', '$(circus.env.C)', 'set', '$(circus.env.F)']);
  });

  it('starts services after those that they depend on', () => {
    const text = [
      'services:',
      '  a:',
      '    command: a',
      '    depends_on: [b, db]',
      '  b:',
      '    command: b',
      '    depends_on: { a: { condition: service_completed_successfully } }',
      '  db:',
      '    image: postgres',
    ].join('\n');
    const imported = importCompose(text);
    assert.deepEqual([watcherOf(imported, 'a')['after'], watcherOf(imported, 'b')['after']], ['b', 'a']);
    const told = unmappedOf(imported).join('\n');
    assert.match(told, /depends_on of "a": "db" is not among what is imported/);
    assert.match(told, /depends_on of "b": "a" is waited for until it has started/);
    assert.match(told, /8: command of "db": only the image knows what it runs/);
  });

  it('has its files of variables', () => {
    const temporary = makeTemporary();
    try {
      temporary.write('web.env', 'A=1\nB=2\n');
      const text = service('env_file:', '  - web.env', '  - path: none.env', 'environment: [B=3]');
      const imported = importFiles('compose', [temporary.write('compose.yml', text)], diskFiles);
      const { A, B } = readBack(imported).watchers[0]!.spec.env!;
      assert.deepEqual([A, B], ['1', '3']);
      assert.equal(watcherOf(imported, 'web')['env_file'], `${temporary.path}/web.env -${temporary.path}/none.env`);
    } finally {
      temporary.remove();
    }
  });

  it('merges what services share', () => {
    const text =
      'x-base: &base\n  restart: always\n  command: x\nservices:\n  a:\n    <<: *base\n  b:\n    <<: *base\n    command: y\n';
    const sections = sectionsOf(importCompose(text));
    assert.deepEqual(
      Object.values(sections).map(({ cmd, respawn }) => [cmd, respawn]),
      [
        ['x', undefined],
        ['y', undefined],
      ],
    );
  });

  it('tells what is about containers', () => {
    const lines = [
      'image: x',
      'ports: ["80:80"]',
      'volumes: [a:/a]',
      'networks: [n]',
      'profiles: [dev]',
      'x-mine: 1',
      'restart: on-failure',
    ];
    const told = unmappedOf(importCompose(`${service(...lines)}\nvolumes: { a: }\n`));
    assert.deepEqual(
      told.map((line) => line.replace(/^(\d+|-): ([^:]*): .*/, '$1 $2')),
      [
        '12 "volumes"',
        '5 image of "web"',
        '6 ports of "web"',
        '7 volumes of "web"',
        '8 networks of "web"',
        '9 profiles of "web"',
        '11 restart of "web"',
        '- the containers',
      ],
    );
  });

  it('may be malformed', () => {
    const problems = (text: string) => problemsOf(importCompose(text));
    assert.match(problems('services:\n  a: [')[0]!, /^\d: /);
    assert.deepEqual(problems('a: 1'), ['1: there are no services: a Compose file has a mapping "services"']);
    assert.deepEqual(problems(''), ['1: there are no services: a Compose file has a mapping "services"']);
    assert.deepEqual(problems('services:\n  a: 1'), ['2: service "a" should be a mapping of settings, and is none']);
    assert.match(problems('services:\n  a:\n    command: "\\"x"')[0]!, /^3: the quotes in command are not balanced/);
    assert.match(problems('a: &a [*a]\nservices: *a')[0]!, /^\d+: /);
    assert.match(problems('['.repeat(20_000))[0]!, /^\d+: /);
  });
});
