import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from '../../support/paths.js';
import { tableNames } from '../../meta/markdown.js';
import { commands, commandsPage } from './commands-page.js';

const page = inRoot('docs', 'reference', 'commands.md');

describe('the reference of the commands', () => {
  it('is what the table of commands says (CIRCUSD_WRITE=1 writes it anew)', () => {
    if (process.env['CIRCUSD_WRITE']) writeFileSync(page, commandsPage());
    assert.equal(readFileSync(page, 'utf8'), commandsPage());
  });

  it('has a summary, a reply and a meaning of each property for every command', () => {
    for (const { name, summary, reply, words, flags } of commands) {
      for (const text of [summary, reply, ...[...words, ...flags].map((argument) => argument.summary)])
        assert.match(text, /^[a-zA-Z].*[^.\s]$/, name);
    }
    assert.doesNotMatch(commandsPage(), /\|\s*\|\n/);
  });
});

describe('the reference of the events', () => {
  it('names each event that the sources publish, and no other', () => {
    const sources = ['events.ts', 'commands/changes.ts'].map((file) =>
      readFileSync(inRoot('plugins', 'controller', file), 'utf8'),
    );
    const published = [...sources.join('\n').matchAll(/publish\([^;]*?, '([a-z_]+)'/g)].map(([, event]) => event!);
    const named = tableNames(readFileSync(inRoot('docs', 'reference', 'events.md'), 'utf8'));
    assert.deepEqual([...new Set(named)].sort(), [...new Set(published)].sort());
  });
});
