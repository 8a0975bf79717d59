import assert from 'node:assert/strict';
import { filesOf } from '../../../cli/import/files.js';
import { importFiles, type SourceKind } from '../../../cli/import/import.js';
import { differentAnswers, request } from '../../e2e/load.js';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { fixture } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { hasYaml } from './reading.js';

const node = process.execPath;
const app = fixture('node-app.cjs');
const iniOf = (kind: SourceKind, texts: Record<string, string>, first = Object.keys(texts)[0]!) =>
  importFiles(kind, [first], filesOf(texts)).ini;

const service = `[Service]
Type=notify
NotifyAccess=all
ExecStart=/bin/sleep 600
ExecStartPre=/bin/true
ExecStartPre=-/bin/false
ExecStartPost=/bin/kill -0 $MAINPID
ExecStop=/bin/test -n $MAINPID
ExecStopPost=/bin/true
User=root
SupplementaryGroups=root
AmbientCapabilities=CAP_KILL
CapabilityBoundingSet=CAP_KILL CAP_CHOWN
NoNewPrivileges=yes
Nice=5
IOSchedulingClass=idle
CPUSchedulingPolicy=batch
CPUAffinity=0
OOMScoreAdjust=100
LimitNOFILE=100:200
LimitCPU=5min
MemoryMax=500M
CPUQuota=50%
CPUWeight=20
TasksMax=infinity
WatchdogSec=5min
RuntimeMaxSec=1h
SendSIGHUP=yes
FinalKillSignal=SIGQUIT
Restart=always
`;
const socket = (port: number) => `[Socket]\nListenStream=127.0.0.1:${port}\nListenDatagram=127.0.0.1:0\n`;
const pm2 = (port: number, more: object = {}) =>
  JSON.stringify({
    apps: [
      {
        name: 'api',
        script: app,
        args: `port ${port}`,
        interpreter: node,
        exec_mode: 'cluster',
        instances: 2,
        env: { PORT: port },
        ...more,
      },
    ],
  });
const compose = `services:
  web:
    command: sleep 600
    restart: always
    mem_limit: 100m
    cpus: 0.5
    cpu_shares: 512
    pids_limit: 50
    cap_drop: [ALL]
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    group_add: [root]
    ulimits: { nofile: { soft: 100, hard: 200 } }
    healthcheck: { test: [CMD, "true"], interval: 10s, timeout: 5s, retries: 2, start_period: 10s, start_interval: 1s }
    deploy: { restart_policy: { condition: any } }
`;
const supervisord = `[program:web]
command=sleep 600
stopsignal=QUIT
stopasgroup=true
umask=027
user=root
startsecs=1
startretries=2
[fcgi-program:php]
command=sleep 600
socket=unix://./php.sock
socket_owner=root:root
`;

describe('what is imported, in a daemon', () => {
  const start = daemonPerTest();
  const temporary = temporaryPerTest();

  const sources: readonly (readonly [SourceKind, Record<string, string>])[] = [
    ['systemd', { '/u/web.service': service, '/u/web.socket': socket(8081) }],
    ['pm2', { '/app/pm2.json': pm2(8082, { listen_timeout: 5000, exp_backoff_restart_delay: 100 }) }],
    ['pm2', { '/app/pm2.json': pm2(8082, { exec_mode: 'fork', listen_timeout: 5000 }) }],
    ...(hasYaml ? [['compose', { '/app/compose.yml': compose }] as const] : []),
    ['supervisord', { '/etc/s.conf': supervisord }],
    [
      'service-directory',
      {
        '/sv/web/run': 'exec sleep 600',
        '/sv/web/finish': '#!/bin/sh',
        '/sv/web/timeout-finish': '2000',
        '/sv/web/notification-fd': '3',
        '/sv/web/timeout-up': '5000',
      },
    ],
  ];
  for (const [kind, texts] of sources) {
    it(`passes circusd --check: ${Object.keys(texts).join(', ')}`, async () => {
      const path = Object.keys(texts)[0]!;
      const text = iniOf(kind, texts, kind === 'service-directory' ? '/sv/web' : path);
      // The folders of the sources are on no disk.
      const file = temporary.write('circus.ini', text.replace(/^working_dir = .*$/m, ''));
      const { code, stdout, stderr } = await runCircusd(['--check', '--strict', file]);
      assert.equal(code, 0, `${stdout}${stderr}\n${text}`);
    });
  }

  it('shares the port of a cluster of PM2 among its processes', async () => {
    const port = await freePort();
    const text = iniOf('pm2', { '/pm2.json': pm2(port) });
    await start(text);
    await eventually(() => request(port));
    await differentAnswers(port, 2);
  });

  it('starts a service of systemd at the first client of its socket', async () => {
    const port = await freePort();
    const listening = `require('http').createServer((_, answer) => answer.end(process.env.LISTEN_FDNAMES)).listen({ fd: 3 })`;
    const unit = `[Service]\nExecStart=${node} -e "${listening}"\nLimitNOFILE=100:200\n`;
    const texts = { '/web.service': unit, '/web.socket': `[Socket]\nListenStream=127.0.0.1:${port}\n` };
    const daemon = await start(iniOf('systemd', texts));
    const running = async () => (await daemon.json('list', 'web')) as { readonly pids: readonly number[] };
    assert.deepEqual((await running()).pids, []);
    assert.equal((await request(port)).text, 'web.socket');
    assert.equal((await running()).pids.length, 1);
  });
});
