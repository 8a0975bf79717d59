import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { filesOf } from '../../../cli/import/files.js';
import { importPaths, kindOf, reportLines, type SourceKind } from '../../../cli/import/import.js';
import { fencesOf } from '../../meta/markdown.js';
import { inRoot } from '../../support/paths.js';
import { importText } from './reading.js';

describe('what is imported', () => {
  it('is told by its name', () => {
    const kinds: readonly (readonly [string, SourceKind | undefined])[] = [
      ['/a/supervisord.conf', 'supervisord'],
      ['Procfile', 'procfile'],
      ['Procfile.dev', 'procfile'],
      ['a@b.service', 'systemd'],
      ['a.socket', 'systemd'],
      ['ecosystem.config.js', 'pm2'],
      ['pm2.json', 'pm2'],
      ['ecosystem.yml', 'pm2'],
      ['docker-compose.yml', 'compose'],
      ['compose.override.yaml', 'compose'],
      ['/sv', 'service-directory'],
      ['README', undefined],
    ];
    const files = filesOf({ '/sv/a/run': '' });
    assert.deepEqual(
      kinds.map(([name]) => kindOf(name, files)),
      kinds.map(([, kind]) => kind),
    );
  });

  it('has to be told otherwise', async () => {
    const { ini, problems } = await importPaths(['README']);
    assert.equal(ini, '');
    assert.match(problems[0]!.message, /cannot be told by its name: say one of supervisord, procfile/);
  });

  it('is reported in lines', () => {
    const imported = importText('procfile', '/a/Procfile', 'oops\nrelease: x\n');
    assert.deepEqual(reportLines(imported), [
      'error: /a/Procfile:1:1: "oops" is no process: it should be "name: command"',
      'not mapped: /a/Procfile:2: release of "release": a release task runs once before a release, which circusd does not know of (start it by "circusctl start release")',
    ]);
  });

  it('comes out in the order of the source, with its places', () => {
    const { ini } = importText('procfile', '/a/Procfile', 'b: x\na: y\n');
    assert.equal(
      ini,
      [
        '# Made by circusctl import from /a/Procfile.',
        '# circusd and circusctl meet on a Unix socket. For the TCP ports of Circus',
        '# write "endpoints = circus" into [circus], or start circusd with --circus-endpoints.',
        '',
        ...['# /a/Procfile:1', '[watcher:b]', 'cmd = x', 'working_dir = /a', 'copy_env = True'],
        ...['graceful_timeout = 5', 'env.PORT = 5000', ''],
        ...['# /a/Procfile:2', '[watcher:a]', 'cmd = y', 'working_dir = /a', 'copy_env = True'],
        ...['graceful_timeout = 5', 'env.PORT = 5100', ''],
      ].join('\n'),
    );
  });

  it('is what the guide shows', () => {
    const [lines, ini] = fencesOf(readFileSync(inRoot('docs', 'guides', 'import.md'), 'utf8'))
      .filter(({ info }) => info === 'text' || info === 'ini')
      .map((fence) => fence.text);
    assert.equal(importText('procfile', '/srv/app/Procfile', lines!).ini, ini);
  });
});
