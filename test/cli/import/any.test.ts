import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitWords } from '#core';
import { filesOf } from '../../../cli/import/files.js';
import { importFiles, type SourceKind } from '../../../cli/import/import.js';
import { hasYaml, importText, readBack } from './reading.js';

const full = process.env.CIRCUSD_FULL === '1';

const letters = fc.constantFrom(...'aB1 _-.:;=#[]{}()"\'\\\t\n%$*?,!/@~&|<>\u00a0\u2028\u0085ä😀'.match(/./gsu)!);
const text = fc.string({ unit: letters, maxLength: 12 });
const variables = fc.dictionary(
  fc.oneof(fc.constantFrom('A', 'B_C', 'rem', '__name__', 'a.b', '__proto__'), text),
  fc.oneof(text, fc.constantFrom('$HOME', 'x ; y', '""', ' a ', '$(circus.wid)', 'a\n\n b')),
  { maxKeys: 4 },
);
const app = fc.record({
  name: text.filter((name) => name !== ''),
  script: text.filter((script) => script !== ''),
  args: fc.array(text, { maxLength: 3 }),
  env: variables,
});

describe('any import', function () {
  this.timeout(full ? 0 : 20_000);

  it('keeps names, command lines and variables, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(app, { minLength: 1, maxLength: 4 }), (apps) => {
        const source = apps.map((one) => ({ ...one, interpreter: 'none', cwd: '/' }));
        const imported = importText('pm2', '/app/a.json', JSON.stringify(source));
        const { watchers } = readBack(imported);
        assert.equal(watchers.length, apps.length, imported.ini);
        const names = watchers.map(({ spec }) => spec.name.toLowerCase());
        assert.equal(new Set(names).size, names.length);
        const found = watchers.map(({ spec }) => runs(spec.cmd, spec.env ?? {})).sort();
        const wanted = apps.map((one) => runs('', one.env, [one.script, ...one.args])).sort();
        assert.deepEqual(found, wanted, imported.ini);
      }),
      { numRuns: full ? 20_000 : 500 },
    );
  });

  it('never throws and never writes what circusd refuses, whatever was done to the source', () => {
    const random = randomNumbers(7);
    const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
    const end = Date.now() + 3000;
    for (let round = 0; full ? round < 100_000 : round < 3000 && Date.now() < end; round++) {
      const [kind, path, source] = pick(samples);
      let changed = source;
      for (let times = 1 + Math.floor(random() * 5); times > 0; times--) {
        const from = Math.floor(random() * changed.length);
        const to = random() < 0.3 ? from : Math.min(changed.length, from + Math.floor(random() ** 4 * 100));
        const put = random() < 0.7 ? pick(pieces) : changed.slice(from, to).repeat(2);
        changed = changed.slice(0, from) + put + changed.slice(to);
      }
      check(kind, path, changed);
    }
  });

  it('gives the same text again', () => {
    for (const [kind, path, source] of samples) {
      assert.equal(importText(kind, path, source).ini, importText(kind, path, source).ini);
    }
  });
});

function check(kind: SourceKind, path: string, text: string): void {
  const paths = kind === 'service-directory' ? ['/sv/web'] : [path];
  const beside = path.endsWith('.socket') ? { '/u/web.service': unit } : {};
  const imported = importFiles(kind, paths, filesOf({ [path]: text, ...beside }));
  // A file of variables that was there when it was imported is not on this disk.
  if (!imported.ini.includes('env_file = ')) readBack(imported);
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const { file, line, column, message } of imported.problems) {
    assert.ok(file !== '' && line >= 1 && line <= lines && column >= 1, JSON.stringify({ file, line, message, text }));
    assert.ok(!message.includes('undefined') && !message.includes('\n'), message);
  }
  for (const { source, what, why } of imported.unmapped) assert.ok(source !== '' && what !== '' && why !== '');
}

/** What a process would run, with which variables: those that go through env(1) are variables again. */
function runs(cmd: string, env: Readonly<Record<string, string>>, own?: readonly string[]): string {
  const words = [...(own ?? splitWords(cmd))];
  const all = new Map(Object.entries(env));
  if (words[0] === '/usr/bin/env' && own === undefined) {
    const end = words.findIndex((word, at) => at > 0 && !word.includes('='));
    for (const word of words.splice(0, end).slice(1)) {
      const at = word.indexOf('=');
      all.set(word.slice(0, at), word.slice(at + 1));
    }
    if (words[2] === 'exec "$@"') words.splice(0, 4);
  }
  const named = [...all].filter(([name]) => /^[^=-][^=]*$/.test(name)).map((pair) => pair.join('='));
  return JSON.stringify([words, named.sort()]);
}

/** A small generator of numbers in 0..1 that gives the same ones in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const unit = `[Unit]
After=db.service network.target
StartLimitBurst=3
[Service]
Type=notify
Environment=A=1 "B=x y"
EnvironmentFile=-/etc/default/web
ExecStartPre=-/bin/mkdir -p /run/web
ExecStart=/bin/web \${A} $B \\
  "quoted %i" 50%%
ExecReload=/bin/kill -HUP $MAINPID
TimeoutStopSec=1min 30s
LimitNOFILE=65536:1M
UMask=0027
Restart=always
AmbientCapabilities=CAP_KILL
CapabilityBoundingSet=~CAP_CHOWN
IOSchedulingClass=idle
FinalKillSignal=QUIT
MemoryMax=50M
WatchdogSec=5
`;
const socket = '[Socket]\nListenStream=80\nListenDatagram=/run/x\nSocketMode=0600\nBacklog=5\nAccept=no\n';
const conf = `[supervisord]
environment=A="b,c",D='x'
loglevel=info
[program:web]
command=/bin/web --port=80%(process_num)02d "a b" ; comment
numprocs=2
process_name=%(program_name)s_%(process_num)02d
environment=SECRET="pa$WORD",KEEP="a;b"
stdout_logfile=/log/web_%(process_num)d.log
stdout_logfile_maxbytes=1MB
startretries=5
priority=5
[fcgi-program:php]
command=php
socket=tcp://localhost:9000
[group:all]
programs=web,php
`;
const apps = JSON.stringify(
  [
    { name: 'a', script: 'a.js', args: '--x "y z"', instances: 'max', env: { A: 1, B: '$X' }, out_file: 'o.log' },
    {
      script: 'b.py',
      kill_timeout: 5,
      max_restarts: 3,
      min_uptime: '5s',
      time: true,
      cwd: '/x',
      exec_mode: 'cluster',
      port: 80,
    },
  ],
  null,
  1,
);
const compose = `x-base: &base
  restart: always
services:
  web:
    <<: *base
    command: ["run", "\${A:-b} $$C"]
    environment: { A: 1, B: "$x" }
    depends_on: [db]
    ulimits: { nofile: { soft: 1, hard: 2 } }
    healthcheck: { test: [CMD, a], interval: 5s }
    stop_grace_period: 1m
    cap_drop: [ALL]
    mem_limit: 50m
    security_opt: ["no-new-privileges:true"]
  db:
    command: db
    user: "1:2"
    deploy: { replicas: 2, resources: { limits: { cpus: 1, memory: 1g } } }
`;

const samples: readonly (readonly [SourceKind, string, string])[] = [
  ['supervisord', '/etc/s.conf', conf],
  ['procfile', '/app/Procfile', '# mine\nweb: serve -p $PORT\nworker: A=1 run "a b" && x\nrelease: y\n'],
  ['systemd', '/u/web@.service', unit],
  ['systemd', '/u/web.socket', socket],
  ['pm2', '/app/pm2.json', apps],
  ...(hasYaml ? ([['compose', '/app/compose.yml', compose]] as const) : []),
  ['service-directory', '/sv/web/run', '#!/bin/sh\nexec 2>&1\nexec web "a ; b"\n'],
  ['service-directory', '/sv/web/log/run', 'exec svlogd -tt /log\n'],
];

const pieces = [
  ...[
    '',
    '\n',
    '\r',
    '\r\n',
    '[',
    ']',
    '{',
    '}',
    '=',
    ':',
    ';',
    ' ;',
    '#',
    '"',
    "'",
    '\\',
    '\0',
    '\t',
    ' ',
    '\n ',
    ',',
  ],
  ...[
    '\u00a0',
    '\u0085',
    '\u2028',
    '\ufeff',
    '\ud800',
    '😀',
    '%',
    '%(',
    '%(ENV_X)s',
    '%(process_num)d',
    '$(circus.wid)',
  ],
  ...[
    '$',
    '${',
    '$A',
    '$$',
    '-',
    '1e999',
    '9'.repeat(30),
    '-1',
    'true',
    'null',
    '__proto__',
    'constructor',
    '*',
    '../',
  ],
  ...[
    '[program:',
    'numprocs=3\n',
    'command=\n',
    'ExecStart=\n',
    'Environment=A\n',
    '&a',
    '*a',
    '<<: *base',
    '- x',
    '%i',
  ],
];
