import assert from 'node:assert/strict';
import { timeFormat } from '../../../cli/import/pm2-logs.js';
import { hasYaml, importText, problemsOf, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importJson = (apps: unknown, environment?: string) =>
  importText('pm2', '/app/ecosystem.json', JSON.stringify(apps, null, 1), {}, environment ? { environment } : {});
const importApp = (app: object, environment?: string) =>
  importJson({ apps: [{ name: 'api', script: 'api.js', ...app }] }, environment);

const usual = {
  cmd: 'node api.js',
  working_dir: '/app',
  stop_signal: 'SIGINT',
  stop_children: 'True',
  graceful_timeout: '1.6',
};
const file = (name: string, path: string) => ({
  [`${name}_stream.class`]: 'FileStream',
  [`${name}_stream.filename`]: path,
});

describe('a PM2 file', () => {
  const table: readonly (readonly [object, Record<string, string>])[] = [
    [{}, {}],
    [{ args: ['--x', 'a b'] }, { cmd: "node api.js --x 'a b'" }],
    [{ args: '--x "a b"', node_args: '--inspect' }, { cmd: "node --inspect api.js --x 'a b'" }],
    [{ script: './run.py', args: null }, { cmd: 'python3 ./run.py' }],
    [{ script: 'run.py', interpreter: '/venv/bin/python' }, { cmd: '/venv/bin/python run.py' }],
    [{ script: '/bin/run', interpreter: 'none' }, { cmd: '/bin/run' }],
    [{ script: 'npm', args: 'start' }, { cmd: 'npm start' }],
    [{ script: 'npm run start && x' }, { cmd: "sh -c 'npm run start && x'" }],
    [{ instances: 3, exec_mode: 'fork' }, { numprocesses: '3' }],
    [{ instances: 'max', exec_mode: 'fork_mode' }, { numprocesses: 'cpus' }],
    [{ instances: 0, exec_mode: 'fork' }, { numprocesses: 'cpus' }],
    [{ instances: -2, exec_mode: 'fork' }, { numprocesses: 'cpus-2' }],
    [{ instances: 1 }, {}],
    [
      { script: 'run.py', instances: 2 },
      { cmd: 'python3 run.py', numprocesses: '2' },
    ],
    [
      { instances: 2, env: { PORT: 3000 } },
      { numprocesses: '2', sockets: 'api', node_listen: 'True', 'env.PORT': '3000' },
    ],
    [
      { exec_mode: 'cluster', port: 80 },
      { sockets: 'api', node_listen: 'True', 'env.PORT': '80' },
    ],
    [
      { exec_mode: 'cluster_mode', port: 80, listen_timeout: 5000 },
      { sockets: 'api', node_listen: 'True', 'env.PORT': '80', 'ready.timeout': '5' },
    ],
    [{ listen_timeout: 5000 }, {}],
    [{ cwd: '/srv' }, { working_dir: '/srv' }],
    [{ cwd: 'sub' }, { working_dir: '/app/sub' }],
    [
      { env: { A: 1, B: true, C: 'x y', D: null, E: { f: 1 } } },
      { 'env.A': '1', 'env.B': 'true', 'env.C': 'x y', 'env.E': '{"f":"1"}' },
    ],
    [
      { autorestart: false, autostart: false },
      { respawn: 'False', autostart: 'False' },
    ],
    [
      { kill_timeout: 3000, wait_ready: true, listen_timeout: '10s' },
      { graceful_timeout: '3', 'ready.ipc': 'True', 'ready.timeout': '10' },
    ],
    [
      { max_restarts: 5, min_uptime: '2s' },
      { 'flapping.max_retry': '5', 'flapping.window': '2' },
    ],
    [
      { max_memory_restart: '300M' },
      { 'resources.max_memory': '300M', 'resources.samples': '1', 'resources.interval': '30' },
    ],
    [
      { max_memory_restart: 314572800 },
      { 'resources.max_memory': '314572800B', 'resources.samples': '1', 'resources.interval': '30' },
    ],
    [
      { uid: 'www', gid: 33 },
      { uid: 'www', gid: '33' },
    ],
    [
      { out_file: 'o.log', error_file: '/e.log', merge_logs: true },
      { ...file('stdout', '/app/o.log'), ...file('stderr', '/e.log') },
    ],
    [
      { out_file: '/o.log', time: true },
      { ...file('stdout', '/o.log'), 'stdout_stream.time_format': '%Y-%m-%dT%H:%M:%S' },
    ],
    [{ out_file: '/dev/null' }, { close_child_stdout: 'True' }],
    [{ namespace: 'jobs' }, { group: 'jobs' }],
    [{ treekill: false, watch: false, port: 80 }, { 'env.PORT': '80' }],
  ];
  for (const [app, options] of table) {
    it(`keeps ${JSON.stringify(app)}`, () => {
      const imported = importApp(app);
      const { stop_children, ...read } = watcherOf(imported, 'api');
      const { stop_children: _, ...always } = usual;
      assert.deepEqual(read, { ...always, ...options });
      const shell = read['cmd'].includes('&&');
      assert.equal(stop_children, 'treekill' in app && !shell ? undefined : 'True');
      assert.deepEqual(imported.unmapped, []);
    });
  }

  it('opens the port that the processes of a cluster share, once', () => {
    const app = (name: string) => ({ name, script: 'a.js', instances: 'max', env: { PORT: 80 }, env_b: { PORT: 90 } });
    const sections = sectionsOf(importJson([app('a'), app('b')]));
    assert.deepEqual(sections['socket:a'], { host: '0.0.0.0', port: '80' });
    assert.deepEqual([sections['socket:b'], sections['watcher:b']!['sockets']], [undefined, 'a']);
    assert.equal(sectionsOf(importJson([app('a')], 'b'))['socket:a']!['port'], '90');
  });

  it('says when a cluster does not name its port', () => {
    for (const env of [{}, { PORT: 'x' }, { PORT: '0' }, { PORT: '65536' }]) {
      const imported = importApp({ instances: 2, env });
      assert.match(
        unmappedOf(imported)[0]!,
        /instances of "api": the file does not name the port that its processes share$/,
      );
      assert.match(imported.unmapped[0]!.hint!, /^write \[socket:api\] .* node_listen = 1/);
      assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:api']);
    }
    const counted = importApp({ instances: 2, env: { PORT: 80 }, increment_var: 'PORT' });
    assert.deepEqual(unmappedOf(counted), ['10: increment_var of "api": circusd does not count a variable up']);
  });

  it('has pauses that grow as those of PM2', () => {
    const imported = importApp({ exp_backoff_restart_delay: 100 });
    const options = Object.entries(watcherOf(imported, 'api')).filter(([key]) => key.startsWith('flapping.'));
    const told = options.map(([key, value]) => `${key.slice('flapping.'.length)} ${value}`).sort();
    assert.deepEqual(told, ['attempts 1', 'backoff 1.5', 'max_retry -1', 'retry_in 0.1', 'retry_max 15']);
    assert.deepEqual(unmappedOf(imported), []);
    const limited = importApp({ exp_backoff_restart_delay: 20_000, max_restarts: 3, min_uptime: '5s' });
    const { 'flapping.then': then, 'flapping.window': window, ...own } = watcherOf(limited, 'api');
    assert.deepEqual(
      [then, window, own['flapping.retry_max'], own['flapping.stable']],
      ['give_up', '5', '20', undefined],
    );
  });

  it('has the environment that is asked for', () => {
    const app = { env: { A: 1, B: 1 }, env_production: { B: 2 }, append_env_to_name: true };
    const { 'env.A': a, 'env.B': b } = watcherOf(importApp(app, 'production'), 'api-production');
    assert.deepEqual([a, b], ['1', '2']);
    const plain = importApp(app);
    assert.equal(watcherOf(plain, 'api')['env.B'], '1');
    assert.deepEqual(plain.unmapped[0]?.hint, 'import with --env production to use it');
  });

  it('may be a list, one app, or have comments', () => {
    const names = (text: string) => Object.keys(sectionsOf(importText('pm2', '/app/pm2.json', text)));
    assert.deepEqual(names('[{"script":"a.js"},{"script":"b.js"}]'), ['watcher:a', 'watcher:b']);
    assert.deepEqual(names('{"script":"/x/a.js"}'), ['watcher:a']);
    assert.deepEqual(names('// mine\n{"apps": [{"script": "http://a.js", /* x */},]}'), ['watcher:a']);
  });

  it('tells what it did not map, and where it stands', () => {
    const imported = importApp({
      instances: 'max',
      max_memory_restart: 'lots',
      cron_restart: '0 0 * * *',
      watch: ['src'],
      restart_delay: 4000,
      log_date_format: 'x',
      kill_timeout: 'soon',
      instances_typo: 1,
      script: './bin/www',
      out_file: '/o.log',
    });
    assert.deepEqual(
      unmappedOf(imported).map((line) => line.replace(/ of .*/, '')),
      [
        '5: script',
        '7: max_memory_restart',
        '8: cron_restart',
        '9: watch',
        '14: kill_timeout',
        '15: instances_typo',
        '13: log_date_format',
        '12: restart_delay',
        '6: instances',
      ],
    );
    assert.match(imported.unmapped.at(-1)!.hint!, /\[socket:api\]/);
  });

  it('may be malformed', () => {
    const problems = (text: string) => problemsOf(importText('pm2', '/app/pm2.json', text));
    assert.match(problems('{"apps": [\n{"name": }]}')[0]!, /^2: a value should stand here/);
    assert.match(problems('')[0]!, /^1: .*the file ends/);
    assert.deepEqual(problems('{"apps": []}'), ['1: there are no apps: an ecosystem file has a list "apps"']);
    assert.deepEqual(problems('{"apps": [\n1]}'), ['2: an app is a mapping of settings, and this is none']);
    assert.match(problems('[{"name": "a"}]')[0]!, /^1: script of "a" is nothing that can be run/);
    assert.match(problems('[{"script": "a.js", "args": "\\"x"}]')[0]!, /the quotes in args of "a" are not balanced/);
    assert.match(problems('['.repeat(100_000))[0]!, /^1: this is nested more than/);
  });

  it('may be YAML', function () {
    if (!hasYaml) this.skip();
    const imported = importText('pm2', '/app/pm2.yml', 'apps:\n  - name: a\n    script: a.js\n    watch: [x]\n');
    assert.equal(watcherOf(imported, 'a')['cmd'], 'node a.js');
    assert.match(unmappedOf(imported)[0]!, /^4: watch/);
  });
});

describe("PM2's dates", () => {
  it('become those of strftime', () => {
    assert.equal(timeFormat('YYYY-MM-DD HH:mm:ss Z'), '%Y-%m-%d %H:%M:%S %z');
    assert.equal(timeFormat('YYYY-MM-DDTHH:mm:ss'), '%Y-%m-%dT%H:%M:%S');
    assert.equal(timeFormat('[at] HH %'), 'at %H %%');
    assert.equal(timeFormat('SSS'), undefined);
  });
});
