import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { splitWords } from '#core';
import { diskFiles, filesOf } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { secondsIn, splitUnit } from '../../../cli/import/systemd-unit.js';
import { makeTemporary } from '../../support/temporary.js';
import { importText, problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importUnit = (text: string, others: Record<string, string> = {}, name = 'web.service') =>
  importText('systemd', `/etc/systemd/system/${name}`, text, others);
const service = (...lines: string[]) => ['[Service]', 'ExecStart=/bin/web', 'Restart=always', ...lines].join('\n');
const usual = { cmd: '/bin/web', stop_children: 'True', graceful_timeout: '90' };

describe('a systemd service', () => {
  const table: readonly (readonly [string, Record<string, string>])[] = [
    ['WorkingDirectory=-/srv', { working_dir: '/srv' }],
    ['User=www\nGroup=web', { uid: 'www', gid: 'web' }],
    ['UMask=0027\nNice=5\nOOMScoreAdjust=-500', { umask: '0027', nice: '5', oom_score_adj: '-500' }],
    ['KillSignal=SIGINT', { stop_signal: 'SIGINT' }],
    ['TimeoutStopSec=1min 5s', { graceful_timeout: '65' }],
    ['Type=notify\nTimeoutSec=20', { 'ready.notify': 'True', 'ready.timeout': '20', graceful_timeout: '20' }],
    [
      'LimitNOFILE=64K\nLimitCORE=infinity\nLimitNPROC=5',
      { rlimit_nofile: '65536', rlimit_core: '', rlimit_nproc: '5' },
    ],
    ['Environment=A=1 "B=x y" C="d e"\nEnvironment=A=2', { 'env.A': '2', 'env.B': 'x y', 'env.C': 'd e' }],
    [
      'Environment=A=%n B=%p C=%t/x D=50%%',
      { 'env.A': 'web.service', 'env.B': 'web', 'env.C': '/run/x', 'env.D': '50%' },
    ],
    ['Environment=A=1\nEnvironment=\nEnvironment=B=2', { 'env.B': '2' }],
    [
      'MemoryMax=500M\nMemoryHigh=infinity\nCPUQuota=150%\nCPUWeight=50\nTasksMax=20',
      {
        'cgroup.memory_max': '500M',
        'cgroup.memory_high': 'max',
        'cgroup.cpu_max': '150%',
        'cgroup.cpu_weight': '50',
        'cgroup.pids_max': '20',
      },
    ],
    ['RuntimeMaxSec=1d', { max_age: '86400' }],
    ['ExecReload=/bin/kill -HUP $MAINPID', { send_hup: 'True' }],
    ['ExecStop=/bin/kill -s QUIT ${MAINPID}', { stop_signal: 'QUIT' }],
    ['ExecStartPre=-/bin/mkdir -p "/run/a b"', { 'hooks.before_spawn': "exec:/bin/mkdir -p '/run/a b', true" }],
    ['ExecStopPost=/bin/clean $X', { 'hooks.after_stop': "exec:sh -c 'exec /bin/clean $X'" }],
    [
      'StandardOutput=append:/a.log\nStandardError=null',
      {
        'stdout_stream.class': 'FileStream',
        'stdout_stream.filename': '/a.log',
        close_child_stderr: 'True',
      },
    ],
    [
      'StartLimitBurst=3\nStartLimitInterval=1min',
      {
        'flapping.attempts': '3',
        'flapping.window': '60',
        'flapping.max_retry': '0',
      },
    ],
    ['StartLimitIntervalSec=0', { 'flapping.active': 'false' }],
  ];
  for (const [lines, options] of table) {
    it(`keeps ${lines.replaceAll('\n', ', ')}`, () => {
      const imported = importUnit(service(lines));
      const { 'flapping.active': active, ...read } = watcherOf(imported, 'web');
      const { 'flapping.active': wanted, ...others } = options;
      assert.deepEqual(read, { ...usual, ...others });
      assert.equal(active?.toLowerCase(), wanted);
      assert.deepEqual(imported.unmapped, []);
    });
  }

  it('is started again only where it says so', () => {
    const respawn = (lines: string) =>
      watcherOf(importUnit(`[Service]\nExecStart=/bin/web\n${lines}`), 'web')['respawn'];
    assert.equal(respawn(''), 'False');
    assert.equal(respawn('Restart=no'), 'False');
    assert.equal(respawn('Restart=on-failure'), undefined);
    assert.equal(respawn('Restart=always\nType=oneshot'), 'False');
  });

  it('has its words split and its variables filled in as systemd does', () => {
    const cmd = (line: string) => splitWords(watcherOf(importUnit(`[Service]\nExecStart=${line}`), 'web')['cmd']!);
    assert.deepEqual(cmd('/bin/x "a b" \'c\' d\\x20e \\\n  f'), ['/bin/x', 'a b', 'c', 'd e', 'f']);
    assert.deepEqual(cmd('-/bin/x $$HOME a$B'), ['/bin/x', '$HOME', 'a$B']);
    assert.deepEqual(cmd('@/bin/x name arg'), ['/bin/x', 'arg']);
    assert.deepEqual(cmd(':/bin/x ${A}'), ['/bin/x', '${A}']);
    assert.deepEqual(cmd('/bin/x ${A} $B "c ${D}"'), ['sh', '-c', `exec /bin/x "\${A}" $B 'c '"\${D}"`]);
    const [program, ...args] = cmd(`/bin/echo \${A} $A "c \${A}" "it's" $$A`);
    const { stdout } = spawnSync(program!, args, { encoding: 'utf8', env: { A: 'x  y' } });
    assert.equal(stdout, "x  y x y c x  y it's $A\n");
  });

  it('may be a oneshot of several commands', () => {
    const imported = importUnit('[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b "c d"');
    assert.deepEqual(splitWords(watcherOf(imported, 'web')['cmd']!), ['sh', '-c', "/bin/a && /bin/b 'c d'"]);
  });

  it('comes after those that are imported with it', () => {
    const files = filesOf({
      '/u/web.service':
        '[Unit]\nAfter=db.service network.target\nRequires=db.service\nWants=mail.service\n[Service]\nExecStart=/bin/web',
      '/u/db.service': '[Unit]\nBefore=mail.service\n[Service]\nExecStart=/bin/db',
      '/u/mail.service': '[Service]\nExecStart=/bin/mail',
    });
    const imported = importFiles('systemd', ['/u/web.service', '/u/db.service', '/u/mail.service'], files);
    readBack(imported);
    const { after, requires, wants } = watcherOf(imported, 'web');
    assert.deepEqual([after, requires, wants, watcherOf(imported, 'mail')['after']], ['db', 'db', 'mail', 'db']);
    assert.deepEqual(unmappedOf(imported), ['2: After of "web": "network.target" is not among what is imported']);
  });

  it('may be an instance, or a template whose processes are numbered', () => {
    const text = service('WorkingDirectory=/srv/%i').replace('/bin/web', '/bin/web %i %I');
    const blue = watcherOf(importUnit(text, {}, 'web@a-b.service'), 'web@a-b');
    assert.deepEqual([blue['cmd'], blue['working_dir']], ['/bin/web a-b a/b', '/srv/a-b']);
    const template = importUnit(text, {}, 'web@.service');
    assert.equal(watcherOf(template, 'web')['cmd'], "/bin/web '$(circus.wid)' '$(circus.wid)'");
    assert.deepEqual(unmappedOf(template), [
      '-: the instance of web@.service: a template has none: %i became the wid of the process, 1, 2 and so on',
      '4: WorkingDirectory of "web": only a command line and variables know the number of a process',
    ]);
  });

  it('is changed by its drop-ins', () => {
    const imported = importUnit(service('Environment=A=1'), {
      '/etc/systemd/system/web.service.d/a.conf': '[Service]\nExecStart=\nExecStart=/bin/other\nEnvironment=B=2',
    });
    const { cmd, 'env.A': a, 'env.B': b } = watcherOf(imported, 'web');
    assert.deepEqual([cmd, a, b], ['/bin/other', '1', '2']);
    assert.match(imported.ini, /^# .*a\.conf:3$/m);
  });

  it('has its files of variables, which count more than the unit', () => {
    const temporary = makeTemporary();
    try {
      const env = temporary.write('web.env', 'A=file\nB=2\n');
      const unit = temporary.write('web.service', service(`Environment=A=unit C=3`, `EnvironmentFile=-${env}`));
      const imported = importFiles('systemd', [unit], diskFiles);
      const { A, B, C } = readBack(imported).watchers[0]!.spec.env!;
      assert.deepEqual([A, B, C], ['file', '2', '3']);
      assert.equal(watcherOf(imported, 'web')['env_file'], env);
    } finally {
      temporary.remove();
    }
    const missing = importUnit(service('EnvironmentFile=/etc/default/nothing'));
    assert.equal(watcherOf(missing, 'web')['env_file'], '-/etc/default/nothing');
    assert.equal(missing.unmapped.length, 1);
  });

  it('has commands with commas as hooks, none of which is taken for a flag', () => {
    const { 'hooks.before_spawn': before, 'hooks.after_start': after } = watcherOf(
      importUnit(service('ExecStartPre=/bin/a b,true', 'ExecStartPost=-/bin/c d,e')),
      'web',
    );
    assert.deepEqual([before, after], ['exec:/bin/a b,true, false', 'exec:/bin/c d,e, true']);
  });

  it('tells what it did not map', () => {
    const text = service(
      'Type=forking',
      'ExecStartPre=/bin/a b,c',
      'ExecStartPost=/bin/a',
      'ExecStartPost=/bin/b',
      'ExecStopPost=/bin/stop $MAINPID',
      'ExecReload=/bin/x',
      'RestartSec=5',
      'LimitNOFILE=2:1',
      'TimeoutStopSec=infinity',
      'TimeoutStartSec=5',
      'KillMode=process',
      'PrivateTmp=yes',
      'StandardOutput=syslog',
      'Environment=A %u',
      'AmbientCapabilities=~CAP_KILL',
      'CPUAffinity=numa',
      'IOSchedulingClass=none',
      'MemoryMax=10%',
      'CPUWeight=idle',
      'SendSIGKILL=no',
    );
    const told = unmappedOf(importUnit(text)).map((line) => line.replace(/^(\d+: [^:]*).*/, '$1'));
    assert.deepEqual(told.sort(), [
      '10: RestartSec of "web"',
      '11: LimitNOFILE of "web"',
      '12: TimeoutStopSec of "web"',
      '13: TimeoutStartSec of "web"',
      '14: KillMode of "web"',
      '15: PrivateTmp of "web"',
      '16: StandardOutput of "web"',
      '17: Environment of "web"',
      '17: Environment of "web"',
      '17: Environment of "web"',
      '18: AmbientCapabilities of "web"',
      '19: CPUAffinity of "web"',
      '20: IOSchedulingClass of "web"',
      '21: MemoryMax of "web"',
      '22: CPUWeight of "web"',
      '23: SendSIGKILL of "web"',
      '4: Type of "web"',
      '8: ExecStopPost of "web"',
      '9: ExecReload of "web"',
    ]);
  });

  it('may be unreadable in parts', () => {
    assert.deepEqual(problemsOf(importUnit('A=1\n[Service]\noops\n=x\nExecStart="a')), [
      '1: "A" is not in a section, so it is skipped',
      '3: "oops" is no setting: it should be Name=value',
      '4: "=x" is no setting: it should be Name=value',
      '5: the command "\\"a" of ExecStart cannot be split into words',
      '5: "web" has no ExecStart that can be run, so it is left out',
    ]);
    const none = importUnit('');
    assert.deepEqual(problemsOf(none), ['1: "web" has no ExecStart that can be run, so it is left out']);
    assert.deepEqual(sectionsOf(none), {});
  });
});

describe('the spans of time of systemd', () => {
  const table: readonly (readonly [string, number | undefined])[] = [
    ['90', 90],
    ['1min 30s', 90],
    ['2h', 7200],
    ['500ms', 0.5],
    ['1.5m', 90],
    ['infinity', Infinity],
    ['', undefined],
    ['5 parsecs', undefined],
    ['x', undefined],
  ];
  for (const [text, seconds] of table) it(`are read: ${text}`, () => assert.equal(secondsIn(text), seconds));
});

describe('the words of systemd', () => {
  it('are split', () => {
    assert.deepEqual(splitUnit(" a  \"b c\"d 'e\\'f' \\x41\\101\\n "), ['a', 'b cd', "e'f", 'AA\n']);
    assert.deepEqual(splitUnit(''), []);
    assert.equal(splitUnit('a "b'), undefined);
  });
});
