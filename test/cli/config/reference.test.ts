import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { manifest } from '#plugins/manifest.js';
import { buildConfiguration } from '../../../cli/config/build.js';
import { converters } from '../../../cli/config/convert.js';
import { jsonSchema } from '../../../cli/config/json-schema.js';
import { readConfigurationText } from '../../../cli/config/read.js';
import { schema, type SectionKind } from '../../../cli/config/schema.js';
import { mergeFiles } from '../../../cli/config/sections.js';

const page = readFileSync('docs/reference/ini.md', 'utf8');
const schemaFile = 'docs/reference/circusd.schema.json';

/** The rows of the first table below a heading, without that of the titles. */
function tableBelow(heading: string): readonly (readonly string[])[] {
  const after = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const table = /(?:^\|.*\n)+/m.exec(after)?.[0] ?? '';
  const rows = table.trimEnd().split('\n').slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

describe('docs/reference/ini.md', () => {
  const headings: Readonly<Record<SectionKind, string>> = {
    circus: '[circus]',
    watcher: '[watcher:NAME]',
    socket: '[socket:NAME]',
    plugin: '[plugin:NAME]',
  };
  for (const [kind, heading] of Object.entries(headings)) {
    it(`has every option of ${heading} with its type, default and owner, and no other`, () => {
      const listed = tableBelow(heading).map((row) => row.slice(0, 4).join(' | '));
      const known = schema[kind as SectionKind].map(({ key, type, default: text, owner }) =>
        [`\`${key}\``, type, text ?? '', owner ?? ''].join(' | '),
      );
      assert.deepEqual(listed.sort(), known.sort());
    });
  }

  it('names the plugins that this version has (CIRCUSD_UPDATE=1 writes them anew)', () => {
    const list = /(this version\shas )(?:`[\w-]+`[, ]*(?:\sand )?\s*)+(?=\. An option of another)/;
    const names = manifest.map(({ name }) => `\`${name}\``).sort();
    const made = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
    assert.match(page, list);
    if (process.env.CIRCUSD_UPDATE === '1') writeFileSync('docs/reference/ini.md', page.replace(list, `$1${made}`));
    const [said = ''] = list.exec(readFileSync('docs/reference/ini.md', 'utf8')) ?? [];
    assert.equal(said.replaceAll('\n', ' ').trimEnd(), `this version has ${made}`);
  });

  it('has an example in JSON that is right', () => {
    const example = /```json\n(.*?)```/s.exec(page)?.[1] ?? '';
    const { problems, watchers } = buildConfiguration(mergeFiles('a', [readConfigurationText(example, 'a.json')]), {});
    assert.deepEqual([problems, watchers.length], [[], 1]);
  });

  it('explains every type', () => {
    const listed = tableBelow('Types').flatMap(([names = '']) => names.split(', '));
    assert.deepEqual(listed.sort(), Object.keys(converters).sort());
  });
});

describe(schemaFile, () => {
  it('is what the schema says', () => {
    const made = JSON.stringify(jsonSchema(), null, 2);
    if (process.env.CIRCUSD_UPDATE === '1') writeFileSync(schemaFile, `${made}\n`);
    const written: unknown = JSON.parse(readFileSync(schemaFile, 'utf8'));
    assert.deepEqual(written, JSON.parse(made), 'run this test with CIRCUSD_UPDATE=1, then npm run format');
  });

  it('refers only to what it defines', () => {
    const { $defs } = jsonSchema() as { readonly $defs: object };
    const references = JSON.stringify(jsonSchema()).match(/#\/\$defs\/\w+/g) ?? [];
    for (const reference of references) assert.ok(Object.hasOwn($defs, reference.slice('#/$defs/'.length)), reference);
  });

  it('has patterns that are regular expressions', () => {
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'pattern') assert.ok(new RegExp(String(inner), 'u'));
        if (key === 'patternProperties')
          for (const pattern of Object.keys(inner as object)) assert.ok(new RegExp(pattern, 'u'));
        visit(inner);
      }
    };
    visit(jsonSchema());
  });
});
