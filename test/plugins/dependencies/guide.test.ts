import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fencesOf } from '../../meta/markdown.js';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { daemonPerTest } from '../daemon.js';

const fences = fencesOf(readFileSync(inRoot('docs', 'guides', 'order.md'), 'utf8'));
const example = fences.find(({ info }) => info === 'ini')!.text;
/** What a page shows below `$ circusctl WORD`. */
const shown = (word: string) =>
  fences
    .find(({ text }) => text.startsWith(`$ circusctl ${word}\n`))!
    .text.replace(/^.*\n/, '')
    .trimEnd();

describe('the guide to the order', () => {
  const start = daemonPerTest();
  const says = async (daemon: Circusd, ...words: readonly string[]) => (await daemon.ctl(...words)).stdout.trimEnd();

  it('shows what its example does, from the start on', async () => {
    const daemon = await start(example);
    await eventually(async () => assert.equal(await says(daemon, 'status'), shown('status')));
    const sentences = fences.find(({ text }) => text.startsWith('It is waiting for'))!.text.trimEnd();
    const undated = (text: string) => text.replace(/\d+ s ago/, 'N s ago');
    await eventually(async () => {
      const text = await says(daemon, 'explain', 'web');
      assert.ok(undated(text).includes(undated(sentences)), text);
    });
    await eventually(async () => assert.equal(await says(daemon, 'tree'), shown('tree')));
  });

  it('tells the truth of a migration that fails', async () => {
    const failing = example.replace('echo "the tables are new"', "sh -c 'test -e repaired'");
    assert.notEqual(failing, example);
    const daemon = await start(failing);
    await eventually(async () =>
      assert.match(await says(daemon, 'explain', 'web'), /migrate: completed_ok \(it completed with code 1\)/),
    );
    daemon.folder.write('repaired', '');
    await daemon.ctl('start', 'migrate');
    await eventually(async () => assert.match(await says(daemon, 'status'), /^web: active$/m));
  });
});
