/** The guide to groups: its configuration answers what it says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { splitWords } from '#core';
import { fencesOf } from '../meta/markdown.js';
import { circusdPerTest } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { inRoot } from '../support/paths.js';

const fences = fencesOf(readFileSync(inRoot('docs', 'guides', 'groups.md'), 'utf8'));
const prompt = '$ circusctl ';

describe('the guide to groups', function () {
  this.timeout(30_000);
  const start = circusdPerTest();

  it('has an example whose commands answer what it says', async () => {
    const [ini, session] = [
      fences.find(({ info }) => info === 'ini'),
      fences.find(({ text }) => text.startsWith(prompt)),
    ];
    const daemon = await start(ini!.text);
    await eventually(async () => assert.doesNotMatch((await daemon.ctl('status')).stdout, /starting/));
    const commands = session!.text.split(prompt).slice(1);
    assert.ok(commands.length >= 5);
    for (const part of commands) {
      const [line = '', ...answer] = part.trimEnd().split('\n');
      const { code, stdout, stderr } = await daemon.ctl(...splitWords(line));
      assert.deepEqual([line, stdout.trimEnd(), stderr, code], [line, answer.join('\n'), '', 0]);
    }
  });
});
