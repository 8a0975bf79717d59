import assert from 'node:assert/strict';
import { Client } from '../../../cli/client/index.js';
import { daemonPerTest } from '../../plugins/daemon.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { circusctl } from './circusctl.js';

const plugin = `
const anything = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
export default {
  name: 'quota',
  needs: { controller: { service: 'controller' } },
  apply({ services: { controller }, defer, log }) {
    const quota = {
      name: 'quota', summary: 'tell the quota of a watcher', role: 'view', properties: anything,
      words: [{ name: 'name', kind: 'text', required: true, summary: 'a watcher' }],
      flags: [{ name: 'days', kind: 'integer', summary: 'of so many days' }],
      run: ({ name, days }) => ({ quota: name + ' ' + days }),
    };
    defer(controller.addCommand(quota));
    for (const flawed of [{ words: [{ name: 'x', kind: 'word', summary: '' }] }, { flags: ['x'] }, { reply: 7 }])
      try {
        controller.addCommand({ ...quota, name: 'flawed', ...flawed });
      } catch (error) {
        log.info('refused: ' + error.message);
      }
  },
};`;
// No other plugin adds one.
const circus = '[circus]\nintent = 0\n\n';
const ini = `${circus}[plugin:quota]\nuse = ./quota.mjs\n\n[watcher:w2]\ncmd = sleep 600\n`;
const options = { files: { 'quota.mjs': plugin } };

describe('a command that a plugin has added', () => {
  const start = daemonPerTest();
  const folder = temporaryPerTest();

  it('is asked for with its words and flags, as a line and in the shell', async () => {
    const daemon = await start(ini, options);
    const { code, stdout, stderr } = await daemon.ctl('quota', 'w2', '--days', '7');
    assert.deepEqual([code, stdout, stderr], [0, 'quota: w2 7\n', '']);
    assert.equal(((await daemon.json('quota', 'w2')) as { quota: string }).quota, 'w2 undefined');
    const trailing = await circusctl(folder.path, ['quota', 'w2', `--endpoint=${daemon.endpoint}`, '--timeout', '9']);
    assert.equal(trailing.stdout, 'quota: w2 undefined\n');
    const shell = await circusctl(folder.path, ['--endpoint', daemon.endpoint], { input: 'quota w2\n\nquoat\n' });
    assert.match(
      shell.stdout,
      /\) quota: w2 undefined\n.*\) quota: w2 undefined\n.*quoat \(did you mean "quota"\?\)\n/,
    );
  });

  it('has a help, a check of its words, and a place among the nearest names', async () => {
    const daemon = await start(ini, options);
    for (const words of [
      ['help', 'quota'],
      ['quota', '--help'],
    ])
      assert.match(
        (await daemon.ctl(...words)).stdout,
        /^Usage: circusctl \[options\] quota NAME \[--days DAYS\]\n[^]*so many days\n$/,
      );
    const said = async (...words: readonly string[]) => {
      const { code, stderr } = await daemon.ctl(...words);
      return [code, stderr];
    };
    assert.deepEqual(await said('quota'), [1, 'Invalid number of arguments\n']);
    assert.deepEqual(await said('quota', 'w2', '--day', '1'), [
      2,
      'error: unknown option "--day" of quota (did you mean "--days"?)\n',
    ]);
    assert.deepEqual(await said('quoat'), [2, 'error: unknown command "quoat" (did you mean "quota"?)\n']);
    assert.deepEqual(await said('strat'), [2, 'error: unknown command "strat" (did you mean "start"?)\n']);
  });

  it('is listed, for circusctl and for other clients', async () => {
    const daemon = await start(ini, options);
    assert.equal((await daemon.ctl('commands')).stdout, '  quota NAME  tell the quota of a watcher\n');
    const client = new Client({ endpoint: daemon.endpoint });
    try {
      const { commands } = await client.commands();
      assert.deepEqual(
        commands.map(({ name, role, words, flags, reply }) => [name, role, words[0]?.name, flags[0]?.kind, reply]),
        [['quota', 'view', 'name', 'integer', undefined]],
      );
    } finally {
      client.close();
    }
  });

  it('is refused with a word, a flag or a reply that no client could show', async () => {
    const daemon = await start(ini, options);
    const refused = 'refused: command \\"flawed\\" has a word or flag without a name, a summary and a kind';
    assert.equal(daemon.log.split(refused).length, 3, daemon.log);
    assert.match(daemon.log, /refused: command \\"flawed\\" has a reply that is no text/);
  });

  it('is not known where no plugin adds it, and where no daemon can be reached', async () => {
    const daemon = await start(`${circus}[watcher:w2]\ncmd = sleep 600\n`);
    const unknown = 'error: unknown command "quota" (did you mean "quit"?)\n';
    assert.equal((await daemon.ctl('quota', 'w2')).stderr, unknown);
    assert.equal((await daemon.ctl('commands')).stdout, 'no plugin has added a command\n');
    const away = await circusctl(folder.path, ['quota', 'w2']);
    assert.deepEqual([away.code, away.stderr], [2, unknown]);
  });
});
