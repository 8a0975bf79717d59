import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fencesOf } from '../../meta/markdown.js';
import { runCircusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { makeTemporary, type Temporary } from '../../support/temporary.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';

/** The files of the guide, by name; other blocks show what is seen. */
const files = new Map(
  fencesOf(readFileSync(inRoot('docs', 'guides', 'hooks.md'), 'utf8')).flatMap(({ info, text }) => {
    const [language = '', name] = info.split(' ');
    assert.ok(name !== undefined || language === '', `a block that nobody runs: ${text}`);
    return name === undefined ? [] : [[name, text] as const];
  }),
);

function write(folder: Temporary): void {
  for (const [name, text] of files) {
    if (name.endsWith('.ini')) continue;
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    chmodSync(folder.write(name, text), name.endsWith('.sh') ? 0o755 : 0o644);
  }
}

describe('the guide to hooks', () => {
  const start = daemonPerTest();
  closeClients();
  const begin = async (ini: string) => {
    const daemon = await start(files.get(ini)!, { prepare: write });
    const client = connect(daemon);
    await eventually(async () => assert.equal((await client.ask('status', { name: 'web' }))['status'], 'active'));
    return { daemon, client };
  };
  const readFile = (folder: Temporary, name: string) => readFileSync(join(folder.path, name), 'utf8');

  it('has configurations in which nothing is wrong', async () => {
    const folder = makeTemporary();
    try {
      write(folder);
      for (const name of ['circus.ini', 'functions.ini', 'python.ini']) {
        const { code, stderr } = await runCircusd(['--check', folder.write(name, files.get(name)!)]);
        assert.deepEqual([code, stderr], [0, ''], name);
      }
    } finally {
      folder.remove();
    }
  });

  it('begins with commands', async () => {
    const { daemon, client } = await begin('circus.ini');
    await client.ask('stop', { name: 'web', waiting: true });
    assert.equal(readFile(daemon.folder, 'drained.log'), '--fast before_stop web\n');
    await client.ask('start', { name: 'web', waiting: true });
    const { code, stderr } = await daemon.ctl('set', 'web', 'hooks.before_start', 'exec:check-disk.sh /tmp 0');
    assert.equal(code, 0, stderr);
    const refused = await daemon.ctl('restart', 'web', '--waiting');
    assert.match(
      refused.stderr,
      /^error: hook "beforeStart" refused: hooks \(its before_start "exec:check-disk\.sh \/tmp 0" exited with code 1: web wants to start, and \/tmp is used by \d+ %/,
    );
    assert.equal((await client.ask('status', { name: 'web' }))['status'], 'stopped');
    assert.match(
      (await daemon.ctl('explain', 'web')).stdout,
      /^web has been stopped .*its before_start "exec:check-disk/,
    );
  });

  it('goes on with functions', async () => {
    const { daemon, client } = await begin('functions.ini');
    const { pids } = await client.ask('list', { name: 'web' });
    const [pid = 0] = pids as readonly number[];
    await client.ask('signal', { name: 'web', signum: 2 });
    assert.match((await daemon.ctl('--json', 'stats', 'web', '--extended')).stdout, /"answer":\s*42/);
    await client.ask('stop', { name: 'web', waiting: true });
    await eventually(() => assert.equal(readFile(daemon.folder, 'ends.log'), `web ${pid} -15\n`));
  });

  it('ends with Python', async () => {
    const { client } = await begin('python.ini');
    const { pids } = await client.ask('list', { name: 'web' });
    const variables = readFileSync(`/proc/${(pids as readonly number[])[0]}/environ`, 'utf8');
    assert.match(variables, /STARTED_BY=before_start/);
  });
});
