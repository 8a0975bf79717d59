import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { splitWords } from '#core';
import { diskFiles, filesOf } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { makeTemporary } from '../../support/temporary.js';
import { problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

function importFolder(files: Record<string, string>, path = '/sv/web') {
  const imported = importFiles('service-directory', [path], filesOf(files));
  readBack(imported);
  return imported;
}

const run = { '/sv/web/run': '#!/bin/sh\nexec web\n' };
const usual = { cmd: '/sv/web/run', working_dir: '/sv/web' };
const logged = (max: string, count: string, file: string) => ({
  'stdout_stream.class': 'FileStream',
  'stdout_stream.filename': file,
  'stdout_stream.max_bytes': max,
  'stdout_stream.backup_count': count,
});

describe('a service directory', () => {
  const table: readonly (readonly [string, Record<string, string>, Record<string, string>])[] = [
    ['a script', {}, {}],
    ['a service that is down', { down: '' }, { autostart: 'False' }],
    ['a folder of variables', { 'env/A': 'x \nmore', 'env/B': 'y\0z' }, { 'env.A': 'x', 'env.B': 'y\nz' }],
    ['how it tells that it is ready', { 'notification-fd': '3\n' }, { 'ready.fd': '3' }],
    [
      'how long that may take',
      { 'notification-fd': '3', 'timeout-up': '5000' },
      { 'ready.fd': '3', 'ready.timeout': '5' },
    ],
    ['the time to stop', { 'timeout-kill': '1500\n' }, { graceful_timeout: '1.5' }],
    ['the signal', { 'down-signal': 'SIGINT\n' }, { stop_signal: 'SIGINT' }],
    ['a check', { check: '#!/bin/sh' }, { 'ready.exec': '/sv/web/check' }],
    [
      "runit's logger",
      { 'log/run': '#!/bin/sh\nexec svlogd -tt ./main\n' },
      logged('1000000', '10', '/sv/web/log/main/current'),
    ],
    [
      "daemontools' logger",
      { 'log/run': 'exec setuidgid log multilog t s5000 n3 /var/log/web' },
      logged('5000', '3', '/var/log/web/current'),
    ],
    ["s6's logger", { 'log/run': 's6-log -b n4 s2000 T /var/log/web' }, logged('2000', '4', '/var/log/web/current')],
  ];
  for (const [what, files, options] of table) {
    it(`keeps ${what}`, () => {
      const all = Object.fromEntries(Object.entries(files).map(([name, text]) => [`/sv/web/${name}`, text]));
      assert.deepEqual(watcherOf(importFolder({ ...run, ...all }), 'web'), { ...usual, ...options });
    });
  }

  it('whose script cannot be run is run by its text', () => {
    const imported = importFolder({ '/sv/web/run': '# mine\nexec web --x $Y\n' });
    assert.equal(watcherOf(imported, 'web')['cmd'], "sh -c 'exec web --x $Y'");
    const longer = importFolder({ '/sv/web/run': 'cd /x\n\nif a; then b\nfi\n' });
    assert.equal(watcherOf(longer, 'web')['cmd'], "sh -c 'cd /x\nif a; then b\nfi'");
  });

  it('may be one of many in a folder', () => {
    const imported = importFolder({ ...run, '/sv/db/run': '#!/bin/db', '/sv/README': 'x' }, '/sv');
    assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:db', 'watcher:web']);
    assert.match(imported.ini, /^# \/sv\/db\/run:1\n\[watcher:db\]$/m);
  });

  it('may be a source of s6-rc', () => {
    const imported = importFolder(
      {
        '/s/web/type': 'longrun\n',
        '/s/web/run': '#!/bin/execlineb -P\nweb',
        '/s/web/dependencies.d/init': '',
        '/s/init/type': 'oneshot\n',
        '/s/init/up': 'mkdir -p /run/web',
        '/s/init/down': 'rm -r /run/web',
        '/s/all/type': 'bundle\n',
        '/s/all/contents': '# all\nweb\ninit\n',
      },
      '/s',
    );
    const web = watcherOf(imported, 'web');
    assert.deepEqual([web['cmd'], web['after'], web['requires'], web['group']], ['/s/web/run', 'init', 'init', 'all']);
    const init = watcherOf(imported, 'init');
    assert.deepEqual([init['cmd'], init['respawn'], init['group']], ['execlineb -P /s/init/up', 'False', 'all']);
    assert.deepEqual(unmappedOf(imported), ['1: down of "init": nothing is run when a oneshot is taken back']);
  });

  it('tells what it did not map', () => {
    const files = {
      finish: '',
      'timeout-kill': '0',
      'notification-fd': 'x',
      'down-signal': 'NOPE',
      'log/run': 'mine',
      'env/GONE': '',
    };
    const all = Object.fromEntries(Object.entries(files).map(([name, text]) => [`/sv/web/${name}`, text]));
    const imported = importFolder({ ...run, ...all, '/sv/web/control/t': '#!' });
    assert.deepEqual(
      imported.unmapped.map(({ what }) => what),
      ['env/GONE', 'notification-fd', 'timeout-kill', 'down-signal', 'finish', 'log/run', 'control'].map(
        (name) => `${name} of "web"`,
      ),
    );
    assert.deepEqual(watcherOf(imported, 'web'), usual);
  });

  it('runs its finish script after each end, with what has happened', () => {
    const temporary = makeTemporary();
    try {
      const finish = temporary.write('web/finish', '#!/bin/sh\nprintf "%s " "$@"', 0o755);
      temporary.write('web/run', '#!/bin/sh\nexec web', 0o755);
      const calls = (extra?: string) => {
        if (extra) temporary.write(`web/${extra}`, '2000');
        const imported = importFiles('service-directory', [`${temporary.path}/web`], diskFiles);
        assert.deepEqual(unmappedOf(imported), ['1: finish of "web": the next start does not wait for it']);
        const { 'hooks.after_reap': hook, 'hooks.timeout': timeout } = watcherOf(imported, 'web');
        const [program, ...words] = splitWords(hook!.slice('exec:'.length));
        assert.ok(words.includes(finish));
        const call = (CIRCUS_EXIT_CODE: string) =>
          spawnSync(program!, words, { encoding: 'utf8', env: { CIRCUS_EXIT_CODE, CIRCUS_WATCHER: 'web' } }).stdout;
        return [call('0'), call('7'), call('-9'), timeout];
      };
      assert.deepEqual(calls(), ['0 0 web ', '7 0 web ', '-1 9 web ', undefined]);
      assert.deepEqual(calls('timeout-finish'), ['0 0 web ', '7 0 web ', '256 9 web ', '2']);
    } finally {
      temporary.remove();
    }
  });

  it('may be none', () => {
    assert.match(problemsOf(importFolder({ '/x/a': '' }, '/x'))[0]!, /^1: "\/x" is no service directory/);
    const noScript = importFolder({ '/sv/web/type': 'longrun' });
    assert.deepEqual(problemsOf(noScript), ['1: the file "/sv/web/run" does not exist']);
  });

  it('is read from the disk', () => {
    const temporary = makeTemporary();
    try {
      temporary.write('a/run', '#!/bin/sh\nexec a', 0o755);
      temporary.write('b/run', 'exec b');
      const imported = importFiles('service-directory', [temporary.path], diskFiles);
      const commands = readBack(imported).watchers.map(({ spec }) => spec.cmd);
      assert.deepEqual(commands, [`${temporary.path}/a/run`, 'b']);
    } finally {
      temporary.remove();
    }
  });
});
