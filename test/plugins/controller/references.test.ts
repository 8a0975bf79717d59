import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { eventTable, type EventFacts } from '#plugins/controller/event-table.js';
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
  const table = (about: EventFacts['about']) => {
    const rows = Object.entries(eventTable).filter(([, facts]) => facts.about === about);
    const cells = rows.map(
      ([name, { payload, when }]) => `| \`${name}\` | ${payload.map((field) => `\`${field}\``).join(', ')} | ${when} |`,
    );
    return ['| event | payload | when |', '| --- | --- | --- |', ...cells, ''].join('\n');
  };

  it('is what the table of events says, and names no other', () => {
    const text = readFileSync(inRoot('docs', 'reference', 'events.md'), 'utf8');
    for (const about of ['watcher', 'daemon'] as const) assert.ok(text.includes(table(about)), table(about));
    assert.deepEqual(tableNames(text), Object.keys(eventTable));
  });
});
