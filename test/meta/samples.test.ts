import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { inRoot } from '../support/paths.js';
import { fencesOf } from './markdown.js';
import { read, sourceFiles } from './source.js';

/** Files whose sentences may stand in a sample. */
const speakers = sourceFiles('plugins').filter((file) => /\/(explain|groups)\.ts$/.test(file));
/** The words with which a sentence can begin: those of a text in the sources, up to what is filled in. */
const beginnings = [
  ...new Set(
    speakers.flatMap((file) =>
      [...read(file).matchAll(/[`']([A-Z][a-z]* [^`'$]{6,}?)(?=[`'$])/g)].map(([, words]) => words!.trim()),
    ),
  ),
];
const begins = (line: string) =>
  /^\w+ has been (active|waiting|retrying|disabled) for /.test(line) ||
  /^\d+ of \d+ processes run, /.test(line) ||
  beginnings.some((words) => line.startsWith(words)) ||
  // What is filled in comes after the first word.
  /^(Process|Place) \d+ /.test(line);

/** What `circusctl explain` prints in the guides. */
const samples = readdirSync(inRoot('docs', 'guides')).flatMap((name) =>
  fencesOf(read(`docs/guides/${name}`)).flatMap(({ text, line }) => {
    const [command = '', ...lines] = text.trimEnd().split('\n');
    return /^\$ circusctl explain \w+$/.test(command) ? [{ where: `${name}:${line}`, lines }] : [];
  }),
);

describe('the samples of explain in the guides', () => {
  it('have only sentences that explain can say', () => {
    assert.ok(samples.length >= 4);
    const strange = samples.flatMap(({ where, lines }) =>
      lines.filter((line) => !begins(line)).map((line) => `${where}: ${line}`),
    );
    assert.equal(strange.join('\n'), '');
    assert.ok(!begins('Whatever ends is replaced.'));
  });

  it('tell of what is always told: how it is stopped, and what runs or would run', () => {
    const lacking = samples.flatMap(({ where, lines }) => {
      const parts = [/^A stop sends /, /^(Command line|Command line of place \d+|A start would (run|fail)): /];
      return parts.filter((part) => !lines.some((line) => part.test(line))).map((part) => `${where}: ${part}`);
    });
    assert.equal(lacking.join('\n'), '');
  });
});
