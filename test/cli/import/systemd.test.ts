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
    [
      'LimitNOFILE=1K:4K\nLimitCORE=0:infinity\nLimitCPU=5min',
      { rlimit_nofile: '1024:4096', rlimit_core: '0:unlimited', rlimit_cpu: '300' },
    ],
    ['IOSchedulingClass=idle\nCPUSchedulingPolicy=batch', { ionice: 'idle', sched: 'batch' }],
    [
      'IOSchedulingPriority=2\nCPUSchedulingPolicy=rr\nCPUSchedulingPriority=9',
      { ionice: 'best-effort 2', sched: 'rr 9' },
    ],
    ['IOSchedulingClass=1', { ionice: 'realtime 4' }],
    ['CPUAffinity=0 2-3', { cpu_affinity: '0,2-3' }],
    ['NoNewPrivileges=yes', { no_new_privileges: 'True' }],
    [
      'User=www\nAmbientCapabilities=CAP_NET_BIND_SERVICE CAP_KILL',
      { uid: 'www', capabilities: '+net_bind_service, +kill' },
    ],
    [
      'User=www\nAmbientCapabilities=CAP_KILL\nCapabilityBoundingSet=CAP_KILL',
      { uid: 'www', capabilities: '-all, +kill' },
    ],
    ['CapabilityBoundingSet=CAP_KILL CAP_CHOWN\nCapabilityBoundingSet=~CAP_CHOWN', { capabilities: '-all, +kill' }],
    ['CapabilityBoundingSet=~CAP_KILL', { capabilities: '-kill' }],
    ['CapabilityBoundingSet=', { capabilities: '-all' }],
    ['WatchdogSec=30', { 'alive.notify': '30' }],
    ['WatchdogSec=0', {}],
    ['WatchdogSec=5\nNotifyAccess=all', { 'alive.notify': '5', notify: 'all', 'ready.notify': 'False' }],
    ['Type=notify-reload\nNotifyAccess=all', { notify: 'all', 'ready.notify': 'True', send_hup: 'True' }],
    ['RuntimeMaxSec=1h\nRuntimeRandomizedExtraSec=5min', { max_age: '3600', max_age_variance: '300' }],
    ['ExecStartPost=/bin/tell $MAINPID', { 'hooks.after_spawn': 'exec:sh -c \'exec /bin/tell "${CIRCUS_PID}"\'' }],
    ['ExecStop=/bin/end ${MAINPID}', { 'hooks.before_signal': 'exec:sh -c \'exec /bin/end "${CIRCUS_PID}"\', true' }],
    [
      'ExecStartPre=/bin/a "b c"\nExecStartPre=-/bin/d',
      { 'hooks.before_spawn': `exec:sh -c '/bin/a '"'"'b c'"'"' && { /bin/d || :; }'` },
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

  const steps: readonly (readonly [string, string])[] = [
    ['FinalKillSignal=SIGQUIT\nTimeoutStopSec=5', 'SIGTERM 5, SIGQUIT 5'],
    ['SendSIGHUP=yes\nKillSignal=SIGINT\nTimeoutStopSec=5', 'SIGINT 0, SIGHUP 5'],
    ['SendSIGHUP=yes\nFinalKillSignal=QUIT', 'SIGTERM 0, SIGHUP 90, QUIT 90'],
  ];
  for (const [lines, stop_steps] of steps) {
    it(`is stopped in steps by ${lines.replaceAll('\n', ', ')}`, () => {
      const imported = importUnit(service(lines));
      assert.deepEqual(watcherOf(imported, 'web'), { cmd: '/bin/web', stop_children: 'True', stop_steps });
      assert.deepEqual(imported.unmapped, []);
    });
  }

  it('gets no capability that it has not in systemd', () => {
    const imported = importUnit(
      service('User=www', 'AmbientCapabilities=CAP_KILL', 'CapabilityBoundingSet=CAP_KILL CAP_CHOWN'),
    );
    assert.equal(watcherOf(imported, 'web')['capabilities'], '-all, +kill');
    assert.deepEqual(unmappedOf(imported), [
      '6: CapabilityBoundingSet of "web": what it may get, but has not, it cannot get here: chown',
    ]);
  });

  it('is in its further groups only', () => {
    const imported = importUnit(service('SupplementaryGroups=adm', 'SupplementaryGroups=tty adm'));
    assert.equal(watcherOf(imported, 'web')['groups'], 'adm, tty');
    assert.match(unmappedOf(imported)[0]!, /^5: SupplementaryGroups of "web": here they take the place of the groups/);
  });

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

describe('a socket unit', () => {
  const folder = '/etc/systemd/system';
  const unit = (...lines: string[]) => ['[Socket]', ...lines].join('\n');
  const withSocket = (socket: string, lines = '', install = '') =>
    importUnit(`${service(lines)}\n${install}`, { [`${folder}/web.socket`]: socket });
  const web = 'web.socket';
  const mine = { sockets: web, listen_fds: 'True' };

  const table: readonly (readonly [string, Record<string, string>])[] = [
    ['ListenStream=8080', { host: '::', port: '8080', family: 'AF_INET6' }],
    [
      'ListenStream=127.0.0.1:80\nBacklog=9\nBindToDevice=lo',
      { host: '127.0.0.1', port: '80', backlog: '9', interface: 'lo' },
    ],
    ['ListenStream=[::1]:80', { host: '::1', port: '80', family: 'AF_INET6' }],
    ['ListenDatagram=1.2.3.4:53', { type: 'SOCK_DGRAM', host: '1.2.3.4', port: '53' }],
    ['ListenStream=/run/web.sock', { path: '/run/web.sock', mode: '0666', replace: 'True' }],
    [
      'ListenSequentialPacket=%t/%p.sock\nSocketMode=0660\nSocketUser=root\nSocketGroup=root',
      { type: 'SOCK_SEQPACKET', path: '/run/web.sock', mode: '0660', owner: 'root', group: 'root', replace: 'True' },
    ],
    ['ListenStream=\nListenStream=1.2.3.4:5\nAccept=no', { host: '1.2.3.4', port: '5' }],
  ];
  for (const [lines, options] of table) {
    it(`keeps ${lines.replaceAll('\n', ', ')}`, () => {
      const imported = withSocket(unit(lines));
      assert.deepEqual(sectionsOf(imported)[`socket:${web}`], { ...options, blocking: 'True' });
      assert.deepEqual(watcherOf(imported, 'web'), { ...usual, ...mine, on_demand: 'True' });
      assert.deepEqual(imported.unmapped, []);
    });
  }

  it('starts its service at the first client, unless that starts by itself', () => {
    const socket = unit('ListenStream=80');
    const after =
      '[Unit]\nRequires=web.socket\nAfter=web.socket\n[Install]\nWantedBy=multi-user.target\nAlso=web.socket';
    const imported = withSocket(socket, '', after);
    assert.deepEqual(watcherOf(imported, 'web'), { ...usual, ...mine });
    assert.deepEqual(imported.unmapped, []);
    assert.equal(watcherOf(withSocket(socket, '', '[Install]\nAlso=web.socket'), 'web')['on_demand'], 'True');
  });

  it('may be the standard input of its service, and not block it', () => {
    const imported = withSocket(unit('ListenStream=1.2.3.4:5'), 'StandardInput=socket\nNonBlocking=yes');
    assert.deepEqual(watcherOf(imported, 'web'), { ...usual, stdin_socket: web, on_demand: 'True' });
    assert.equal(sectionsOf(imported)[`socket:${web}`]!['blocking'], undefined);
  });

  it('is named first, has several addresses, or another name', () => {
    const texts = {
      '/u/a.socket': unit('ListenStream=80', 'ListenStream=/run/a', 'Service=b.service', 'FileDescriptorName=http'),
      '/u/c.socket': unit('ListenStream=81'),
      '/u/b.service': service('Sockets=c.socket a.socket'),
    };
    for (const path of ['/u/a.socket', '/u/b.service']) {
      const imported = importFiles('systemd', [path], filesOf(texts));
      readBack(imported);
      const { sockets } = watcherOf(imported, 'b');
      assert.deepEqual(sockets!.split(', ').sort(), ['c.socket', 'http', 'http-2'], path);
    }
  });

  it('tells what it did not map', () => {
    const socket = unit('ListenStream=@x', 'ListenFIFO=/f', 'ListenStream=99999', 'ListenStream=80', 'NoDelay=yes');
    assert.deepEqual(unmappedOf(withSocket(socket)), [
      '2: ListenStream of web.socket: "@x" is no address that a socket of circusd can have',
      '4: ListenStream of web.socket: "99999" is no address that a socket of circusd can have',
      '6: NoDelay of web.socket: a socket of circusd has no such setting',
      '3: ListenFIFO of web.socket: circusd opens sockets only',
    ]);
    const each = withSocket(unit('ListenStream=80', 'Accept=yes'));
    assert.deepEqual(unmappedOf(each), ['3: Accept of web.socket: circusd starts no process for each connection']);
    assert.deepEqual(watcherOf(each, 'web'), usual);
    const alone = importFiles('systemd', ['/u/x.socket'], filesOf({ '/u/x.socket': unit('ListenStream=80') }));
    assert.deepEqual(unmappedOf(alone), ['2: x.socket: its service "x.service" is not among what is imported']);
    assert.deepEqual(sectionsOf(alone), {});
    assert.match(
      unmappedOf(importUnit(service('Sockets=y.socket')))[0]!,
      /Sockets of "web": there is no "y.socket" beside it/,
    );
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
