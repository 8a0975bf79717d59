import assert from 'node:assert/strict';
import { diskFiles } from '../../../cli/import/files.js';
import { importFiles } from '../../../cli/import/import.js';
import { makeTemporary } from '../../support/temporary.js';
import { importText, problemsOf, readBack, sectionsOf, unmappedOf, watcherOf } from './reading.js';

const importProc = (text: string) => importText('procfile', '/app/Procfile', text);
const always = { working_dir: '/app', graceful_timeout: '5' };

describe('a Procfile', () => {
  const table: readonly (readonly [string, Record<string, string>])[] = [
    ['node server.js', { cmd: 'node server.js' }],
    ['serve -p $PORT', { cmd: "sh -c 'exec serve -p $PORT'" }],
    ['build && serve', { cmd: "sh -c 'build && serve'", stop_children: 'True' }],
    ["serve --motto 'a b'", { cmd: "serve --motto 'a b'" }],
  ];
  for (const [command, options] of table) {
    it(`runs ${command}`, () => {
      assert.deepEqual(watcherOf(importProc(`web: ${command}`), 'web'), { ...options, ...always, 'env.PORT': '5000' });
    });
  }

  it('gives each process a port, as foreman does', () => {
    const sections = sectionsOf(importProc('# mine\n\nweb: a\r\nworker-1 :b\n'));
    assert.deepEqual(
      Object.entries(sections).map(([name, options]) => [name, options['env.PORT']]),
      [
        ['watcher:web', '5000'],
        ['watcher:worker-1', '5100'],
      ],
    );
  });

  it('is read with the .env beside it, whose PORT is the first', () => {
    const temporary = makeTemporary();
    try {
      const path = temporary.write('Procfile', 'web: a\nother: b');
      const env = temporary.write('.env', 'PORT=3000\nDB="x y"\n');
      const imported = importFiles('procfile', [path], diskFiles);
      assert.equal(watcherOf(imported, 'other')['env.PORT'], '3100');
      assert.equal(watcherOf(imported, 'web')['env_file'], env);
      assert.equal(readBack(imported).watchers[0]!.spec.env!['DB'], 'x y');
    } finally {
      temporary.remove();
    }
  });

  it('copies the variables of a .env that has an error in it', () => {
    const text = { '/app/.env': 'A=1\noops\n' };
    const imported = importText('procfile', '/app/Procfile', 'web: a\nb: c', text);
    assert.deepEqual(problemsOf(imported), ['2: this line is not NAME=value and is ignored']);
    assert.equal(watcherOf(imported, 'b')['env.A'], '1');
  });

  it('does not start a release task by itself', () => {
    const imported = importProc('release: migrate');
    const { autostart, respawn } = watcherOf(imported, 'release');
    assert.deepEqual([autostart, respawn], ['False', 'False']);
    assert.equal(imported.unmapped.length, 1);
  });

  it('has two processes of one name only under two names', () => {
    const imported = importProc('web: a\nWeb: b');
    assert.deepEqual(Object.keys(sectionsOf(imported)), ['watcher:web', 'watcher:Web-2']);
    assert.match(unmappedOf(imported).join('\n'), /2: the name "Web": it became "Web-2"/);
  });

  it('may have lines that are no processes', () => {
    assert.deepEqual(problemsOf(importProc('web\n: a\nweb:\nok: b\n')), [
      '1: "web" is no process: it should be "name: command"',
      '2: ": a" is no process: it should be "name: command"',
      '3: "web:" is no process: it should be "name: command"',
    ]);
    const missing = importFiles('procfile', ['/nowhere/Procfile'], diskFiles);
    assert.deepEqual(problemsOf(missing), ['1: the file "/nowhere/Procfile" does not exist']);
  });
});
