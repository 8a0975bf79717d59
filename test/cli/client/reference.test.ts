import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Client, clientErrorCodes } from '../../../cli/client/index.js';
import { fencesOf, tableNames } from '../../meta/markdown.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { inRoot } from '../../support/paths.js';
import { run } from '../../support/run.js';
import { methodsOf } from './fake.js';

const page = readFileSync(inRoot('docs', 'reference', 'client.md'), 'utf8');

describe('the page about the client', () => {
  const start = daemonPerTest();

  it('names every method and every error, and no other', () => {
    const methods = methodsOf(Client);
    const names = tableNames(page).map((name) => name.replace(/\(.*$/, ''));
    const wanted = [...methods, ...clientErrorCodes];
    assert.deepEqual(
      wanted.filter((name) => !names.includes(name)),
      [],
    );
    assert.deepEqual(
      names.filter((name) => name.startsWith('ERR_') && !wanted.includes(name)),
      [],
    );
  });

  const examples = fencesOf(page).filter(({ info }) => info === 'js');
  for (const { line, text } of examples) {
    it(`has an example that runs: docs/reference/client.md:${line}`, async () => {
      const daemon = await start('[watcher:web]\ncmd = sleep 600\nready_after = 0\n');
      const door = pathToFileURL(inRoot('dist', 'cli', 'client', 'index.js')).href;
      const program = text
        .replace("'circusd/client'", `'${door}'`)
        .replace("'ipc:///run/circusd/control.sock'", `'${daemon.endpoint}'`);
      assert.ok(program.includes(door) && program.includes(daemon.endpoint));
      const { code, stderr } = await run(process.execPath, ['--input-type=module', '-e', program]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
    });
  }
});

describe('the door of the package', () => {
  it('is circusd/client, which loads zeromq only when somebody connects', async () => {
    const program = `
      import { createRequire } from 'node:module';
      import { connect } from 'circusd/client';
      const { cache } = createRequire(import.meta.url);
      const loaded = () => Object.keys(cache).some((file) => file.includes('/zeromq/'));
      const before = loaded();
      connect({ endpoint: 'ipc:///nowhere' }).close();
      console.log(before, loaded());`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: inRoot() });
    assert.deepEqual([stdout, stderr], ['false true\n', '']);
  });
});
