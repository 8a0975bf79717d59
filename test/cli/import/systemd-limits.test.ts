import assert from 'node:assert/strict';
import { importText, unmappedOf, watcherOf } from './reading.js';

const importUnit = (text: string) => importText('systemd', '/etc/systemd/system/web.service', text);
const service = (...lines: string[]) => ['[Service]', 'ExecStart=/bin/web', 'Restart=always', ...lines].join('\n');
const usual = { cmd: '/bin/web', stop_children: 'True', graceful_timeout: '90' };

describe('the limits, rights, steps and hooks of a systemd service', () => {
  const table: readonly (readonly [string, Record<string, string>])[] = [
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
  ];
  for (const [lines, options] of table) {
    it(`keeps ${lines.replaceAll('\n', ', ')}`, () => {
      const imported = importUnit(service(lines));
      assert.deepEqual(watcherOf(imported, 'web'), { ...usual, ...options });
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
});
