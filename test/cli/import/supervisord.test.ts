import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { diskFiles } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { importText, problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importConf = (text: string, others: Record<string, string> = {}) =>
  importText('supervisord', '/etc/app/supervisord.conf', text, others);
const program = (...lines: string[]) =>
  watcherOf(importConf(['[program:web]', 'command=web', ...lines].join('\n')), 'web');

describe('a supervisord.conf', () => {
  const table: readonly (readonly [string, string, Record<string, string>])[] = [
    ['nothing but a command', '', {}],
    ['the folder', 'directory=/srv', { working_dir: '/srv' }],
    ['the user', 'user=www', { uid: 'www' }],
    ['the file mask', 'umask=022', { umask: '022' }],
    ['a program that is not started', 'autostart=false', { autostart: 'False' }],
    ['a program that is started, which is usual', 'autostart=true', {}],
    ['a program that is not started again', 'autorestart=false', { respawn: 'False' }],
    ['a program that always is', 'autorestart=true', {}],
    ['the time to be up', 'startsecs=5', { ready_after: '5' }],
    [
      'the number of tries',
      'startretries=4\nstartsecs=5',
      {
        ready_after: '5',
        'flapping.max_retry': '4',
        'flapping.window': '5',
      },
    ],
    ['the signal', 'stopsignal=QUIT', { stop_signal: 'QUIT' }],
    ['the time to stop', 'stopwaitsecs=40', { graceful_timeout: '40' }],
    ['the signal for the group', 'stopasgroup=true\nkillasgroup=true', { stop_children: 'True' }],
    ['the order, which is the other way round', 'priority=1', { priority: '998' }],
    ['the usual order', 'priority=999', {}],
    ['a number of processes', 'numprocs=3\nprocess_name=%(program_name)s_%(process_num)02d', { numprocesses: '3' }],
    [
      'variables',
      'environment=A="b,c",B=\'d e\', C=%(ENV_HOME)s,D="x\\"y"',
      {
        'env.A': 'b,c',
        'env.B': 'd e',
        'env.C': '$(circus.env.HOME)',
        'env.D': 'x"y',
      },
    ],
    [
      'a log',
      'stdout_logfile=/a.log',
      {
        'stdout_stream.class': 'FileStream',
        'stdout_stream.filename': '/a.log',
        'stdout_stream.max_bytes': '52428800',
        'stdout_stream.backup_count': '10',
      },
    ],
    [
      'both outputs in one log without an end',
      'stdout_logfile=/a.log\nstdout_logfile_maxbytes=0\nredirect_stderr=true',
      {
        'stdout_stream.class': 'FileStream',
        'stdout_stream.filename': '/a.log',
        'stderr_stream.class': 'FileStream',
        'stderr_stream.filename': '/a.log',
      },
    ],
    [
      'a size and a number of logs',
      'stderr_logfile=/e.log\nstderr_logfile_maxbytes=2KB\nstderr_logfile_backups=3',
      {
        'stderr_stream.class': 'FileStream',
        'stderr_stream.filename': '/e.log',
        'stderr_stream.max_bytes': '2048',
        'stderr_stream.backup_count': '3',
      },
    ],
    [
      'no log',
      'stdout_logfile=NONE\nstderr_logfile=/dev/null',
      {
        close_child_stdout: 'True',
        close_child_stderr: 'True',
      },
    ],
    ['output that is passed on', 'stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0', {}],
  ];
  for (const [what, lines, options] of table) {
    it(`keeps ${what}`, () => {
      assert.deepEqual(program(lines), { cmd: 'web', graceful_timeout: '10', ...options });
    });
  }

  it('keeps command lines, with what they are filled in from', () => {
    const cmd = (command: string) => watcherOf(importConf(`[program:web]\ncommand=${command}`), 'web')['cmd'];
    assert.equal(cmd('%(here)s/run --%% %(program_name)s "a b"'), '/etc/app/run --% web "a b"');
    assert.equal(cmd('%(ENV_BIN)s/run %(process_num)d'), '$(circus.env.BIN)/run 0');
    assert.equal(cmd('a "b;c" ; a comment'), 'a "b;c"');
    assert.equal(cmd('a --color=#fff # a comment'), 'a --color=#fff');
    assert.equal(cmd('sh\n  -c\n  "x\n  y"'), 'sh\n-c\n"x\ny"');
  });

  it('makes a watcher of each process where they differ by more than their names', () => {
    const text =
      '[program:Web]\ncommand=web --port=80%(process_num)02d\nnumprocs=2\nprocess_name=%(process_num)d\nexitcodes=1';
    const imported = importConf(text);
    assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:Web-0', 'watcher:Web-1']);
    assert.deepEqual(watcherOf(imported, 'Web-1'), { cmd: 'web --port=8001', graceful_timeout: '10', group: 'Web' });
    assert.equal(unmappedOf(imported).filter((line) => line.includes('exitcodes')).length, 1);
  });

  it('takes the wid for the number where both count from 1', () => {
    const text = '[program:w]\ncommand=w %(process_num)s\nnumprocs=2\nnumprocs_start=1';
    assert.deepEqual(watcherOf(importConf(text), 'w'), {
      cmd: 'w $(circus.wid)',
      numprocesses: '2',
      graceful_timeout: '10',
    });
  });

  it('does not fill a file with sections for millions of processes', () => {
    const imported = importConf('[program:w]\ncommand=w %(process_num)s\nnumprocs=5000000');
    assert.equal(watcherOf(imported, 'w')['numprocesses'], '5000000');
    assert.match(unmappedOf(imported).join('\n'), /3: numprocs of "w": %\(process_num\) in command became the wid/);
  });

  it('makes a socket for a fcgi-program', () => {
    const text =
      '[fcgi-program:PHP x]\ncommand=php\nsocket=unix:///run/php.sock\nsocket_mode=0770\nsocket_backlog=9\nnumprocs=2\nprocess_name=x%(process_num)d';
    const imported = importConf(`${text}\n[fcgi-program:b]\ncommand=b\nsocket=tcp://localhost:9000`);
    const sections = sectionsOf(imported);
    assert.deepEqual(sections['socket:php-x'], { backlog: '9', path: '/run/php.sock', umask: '7', replace: 'True' });
    assert.deepEqual(sections['socket:b'], { host: 'localhost', port: '9000' });
    assert.equal(watcherOf(imported, 'PHP x')['stdin_socket'], 'php-x');
    assert.deepEqual(
      readBack(imported).sockets.map(({ spec }) => [spec.name, spec.umask]),
      [
        ['b', 8],
        ['php-x', 7],
      ],
    );
  });

  it('gives the file of a socket to its owner', () => {
    const text = '[fcgi-program:a]\ncommand=a\nsocket=unix:///run/a\nsocket_owner=';
    const of = (owner: string) => sectionsOf(importConf(text + owner))['socket:a']!;
    assert.deepEqual([of('root:root')['owner'], of('root:root')['group']], ['root', 'root']);
    assert.deepEqual([of('root')['owner'], of('root')['group']], ['root', undefined]);
  });

  it('puts programs into groups', () => {
    const imported = importConf('[program:a]\ncommand=a\n[group:x]\nprograms=a, b\npriority=5\n[group:y]\nprograms=a');
    assert.equal(watcherOf(imported, 'a')['group'], 'x, y');
    assert.deepEqual(
      unmappedOf(imported).filter((line) => line.includes('group')),
      [
        '4: "b" in group "x": there is no program of this name',
        '5: priority of group "x": a group has nothing but members',
      ],
    );
  });

  it('reads the files that it includes, each with its own folder', () => {
    const others = {
      '/etc/app/d/b.ini': '[program:b]\ncommand=%(here)s/b',
      '/etc/app/d/a.ini': '[program:a]\ncommand=a',
    };
    const imported = importConf('[include]\nfiles = d/*.ini /nothing/*.conf', others);
    assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:a', 'watcher:b']);
    assert.equal(watcherOf(imported, 'b')['cmd'], '/etc/app/d/b');
    assert.match(imported.ini, /^# \/etc\/app\/d\/b\.ini:1\n\[watcher:b\]$/m);
    assert.equal(unmappedOf(imported)[0], '2: the included files "/nothing/*.conf": there are none');
  });

  it('gives the variables of [supervisord] to all', () => {
    const imported = importConf('[supervisord]\nenvironment=A="1",B="$HOME"\nloglevel=warn\n[program:a]\ncommand=a');
    assert.deepEqual(sectionsOf(imported)['env'], { A: '1' });
    assert.deepEqual(sectionsOf(imported)['circus'], { loglevel: 'warning' });
    assert.equal(watcherOf(imported, 'a')['cmd'], "/usr/bin/env 'B=$HOME' a");
  });

  it('tells what it did not map, and where it stands', () => {
    const text = [
      '[unix_http_server]',
      'file=/run/s.sock',
      '[supervisord]',
      'logfile=/s.log',
      '[program:a]',
      'command=a',
      'autorestart=unexpected',
      'stopwaitsecs={{ wait }}',
      'numprocs=%(ENV_N)s',
      'stdout_syslog=true',
      'colour=red',
      'stdout_logfile=/a.log',
      '[eventlistener:m]',
      'command=m',
    ].join('\n');
    assert.deepEqual(unmappedOf(importConf(text)), [
      '1: [unix_http_server]: it is about supervisord itself',
      '4: logfile of [supervisord]: it is about supervisord itself',
      '7: autorestart of "a": circusd also starts a program again that ended as expected',
      '8: stopwaitsecs of "a": "graceful_timeout" must be a number of seconds, or a time such as 1h30m, and is "{{ wait }}"',
      '10: stdout_syslog of "a": the system log is not a stream of the configuration',
      '11: colour of "a": the importer does not know it',
      '9: numprocs of "a": "numprocesses" would depend on a variable that may not be set',
      `13: [eventlistener:m]: it speaks supervisord's event protocol`,
    ]);
  });

  it('tells of lines that cannot be read, and reads the others', () => {
    const text =
      'a=1\n[program:a]\n{% if x %}\ncommand=a\n=b\n[program:b]\ncommand="b\n[program:c]\n[program:d]\ncommand=d\nenvironment=A,B';
    const imported = importConf(text);
    assert.deepEqual(problemsOf(imported), [
      '1: "a" is not in a section, so it is skipped',
      '3: "{% if x %}" is no setting, because it has no name before "="',
      '5: "=b" is no setting, because it has no name before "="',
      '7: the quotes in "\\"b" are not balanced, so "b" is left out',
      '11: "A,B" in environment is not NAME="value"',
    ]);
    assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:a', 'watcher:d']);
    assert.match(unmappedOf(imported).join('\n'), /8: \[program:c\]: it says nothing to run, so it is left out/);
  });

  const corpus = resolve('../shared/corpus/supervisor');
  it('is read whoever wrote it', function () {
    if (!existsSync(corpus)) this.skip();
    for (const name of readdirSync(corpus)) {
      const imported = importFiles('supervisord', [resolve(corpus, name)], diskFiles);
      const { watchers } = readBack(imported);
      assert.ok(watchers.length > 0, name);
      const template = name.includes('frappe');
      assert.deepEqual(
        problemsOf(imported).filter((line) => !(template && line.includes('{%'))),
        [],
        name,
      );
    }
  });
});
