/** The guide to what operators decide, as it stands, and a rollback while clients come. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request, sendRequests } from '../../e2e/load.js';
import { fencesOf } from '../../meta/markdown.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { closeClients, connect } from '../client.js';
import { daemonPerTest } from '../daemon.js';
import { isGood } from './specs.js';

const fences = fencesOf(readFileSync(inRoot('docs', 'guides', 'operator-intent.md'), 'utf8'));
const textOf = (info: string): string => fences.find((fence) => fence.info === info)!.text;
/** The words after `$ circusctl` in the sessions, as a shell would give them. */
const sessions = fences.flatMap(({ text }) =>
  [...text.matchAll(/^\$ circusctl (.*)$/gm)].map(([, line]) =>
    [...line!.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!),
  ),
);
const said = (command: string, at = 0): readonly string[] => sessions.filter(([name]) => name === command)[at]!;

describe('the guide to what operators decide', function () {
  this.timeout(60_000);
  const start = daemonPerTest();
  closeClients();

  const begin = async (server = textOf('js server.mjs')) => {
    const port = await freePort();
    const ini = textOf('ini circus.ini')
      .replace('port = 8030', `port = ${port}`)
      .replace('cmd = node', `cmd = ${process.execPath}`);
    const daemon = await start(ini, { files: { 'server.mjs': server } });
    await eventually(async () => assert.equal((await request(port)).text, 'version 1\n'));
    const ctl = async (words: readonly string[]) => {
      const { code, stdout, stderr } = await daemon.ctl(
        ...words.map((word) => word.replace(/^node /, `${process.execPath} `)),
      );
      return { code, stdout, stderr };
    };
    return { daemon, port, ctl };
  };

  it('disables, explains, refuses and enables', async () => {
    const { ctl, port } = await begin();
    assert.equal((await ctl(said('disable'))).stdout, 'disabled: web\n');
    const [{ text } = { text: '' }] = fences.filter((fence) => fence.text.startsWith('$ circusctl disable'));
    assert.equal((await ctl(said('start'))).stderr, text.trimEnd().split('\n').at(-1) + '\n');
    const explained = (await ctl(said('explain'))).stdout.split('\n');
    const [, first, ...rest] = fences.find((fence) => fence.text.startsWith('$ circusctl explain'))!.text.split('\n');
    assert.equal(explained[0]!.replace(/for \S+ \w+ by/, 'for 3 h by'), first);
    for (const line of rest.filter((line) => line.startsWith('Nothing starts') || line.startsWith('No process')))
      assert.ok(explained.includes(line), explained.join('\n'));
    assert.equal((await ctl(['enable', 'web', '--waiting'])).stdout, 'enabled: web; started: web\n');
    await eventually(async () => assert.equal((await request(port)).status, 200));
  });

  it('takes a bad version back', async () => {
    const { ctl, port, daemon } = await begin();
    await isGood(connect(daemon));
    assert.equal((await ctl(said('set'))).code, 0);
    assert.deepEqual(await request(port), { status: 500, text: 'version 2\n' });
    assert.match(
      (await ctl(said('rollback'))).stdout,
      /^web would get the spec that was good since .*\n {4}cmd: .* 2 .* -> .* 1 /,
    );
    assert.equal((await request(port)).status, 500);
    assert.match((await ctl(said('rollback', 1))).stdout, /^web has again the spec that was good since .*\n {4}cmd: /);
    assert.deepEqual(await request(port), { status: 200, text: 'version 1\n' });
    assert.match((await ctl(['rollback', 'web', '--list'])).stdout, /^web: its present spec is good\n/);
  });

  it('loses no client on the way: all are answered, in the end by the good version', async () => {
    const { port, daemon } = await begin(textOf('js server.mjs').replace('500', '200'));
    const client = connect(daemon);
    await isGood(client);
    const load = sendRequests(port, 30);
    const [, name, key, value] = said('set');
    const cmd = value!.replace(/^node /, `${process.execPath} `);
    const steps = [['set', { name, options: { [key!]: cmd } }] as const, ['rollback', { name }] as const];
    for (const [command, properties] of steps) {
      const { job: id } = await client.ask(command, properties);
      await eventually(
        async () => {
          const { job } = await client.ask('job', { id });
          const { state, reason } = job as { readonly state: string; readonly reason?: string };
          assert.equal(state, 'done', reason);
        },
        { within: 30_000 },
      );
    }
    const outcome = await load.stop();
    assert.deepEqual([outcome.refused, outcome.cut, outcome.failures], [0, 0, []]);
    assert.deepEqual([...outcome.answers.keys()].sort(), ['version 1\n', 'version 2\n']);
    assert.equal((await request(port)).text, 'version 1\n');
  });
});
