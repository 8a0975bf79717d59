import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { AnyPlugin } from '#core';
import { manifest } from '#plugins/manifest.js';
import { runCircusd } from '../support/circusd.js';
import { inRoot } from '../support/paths.js';
import { temporaryPerTest } from '../support/temporary.js';
import { fencesOf, headingsOf } from '../meta/markdown.js';

const folders = readdirSync(inRoot('plugins'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const readme = (name: string) => readFileSync(inRoot('plugins', name, 'README.md'), 'utf8');

/** The rows of the first table after `## Options`. */
function optionRows(page: string): readonly (readonly string[])[] {
  const [, options = ''] = page.split('\n## Options\n');
  const [part = ''] = options.split('\n## ');
  const rows = part.split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

interface Property {
  readonly type?: string;
  readonly anyOf?: readonly Property[];
  readonly description?: string;
  readonly default?: unknown;
}

function propertiesOf({ options }: AnyPlugin): Readonly<Record<string, Property>> {
  const schema = options?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
  return (schema?.['properties'] ?? {}) as Readonly<Record<string, Property>>;
}

const isMissing = /^warning: .*"(?:cmd|working_dir|path)" .*(?: was not found in |, which is not there$)/;

describe('the manifest of the plugins', () => {
  it('names every folder, and nothing else, once', () => {
    assert.deepEqual(manifest.map(({ name }) => name).sort(), [...folders].sort());
    const words = manifest.flatMap(({ name, aliases }) => [name, ...aliases]);
    assert.equal(new Set(words).size, words.length);
  });

  it('gives no key to two plugins', () => {
    const keys = manifest.flatMap(({ keys }) => keys);
    for (const [at, key] of keys.entries()) {
      const prefix = key.endsWith('*') ? key.slice(0, -1) : undefined;
      const others = keys.filter((_, other) => other !== at);
      assert.ok(!others.some((other) => (prefix === undefined ? other === key : other.startsWith(prefix))), key);
    }
  });

  for (const entry of manifest) {
    describe(entry.name, () => {
      const temporary = temporaryPerTest();
      let plugin: AnyPlugin;
      before(async () => {
        plugin = (await entry.load()).default;
      });

      it('is defined by its name', () => {
        assert.equal(plugin.name, entry.name);
      });

      it('has a page with the options of its schema and no others', () => {
        const properties = propertiesOf(plugin);
        const rows = optionRows(readme(entry.name));
        assert.deepEqual(
          rows.map(([name]) => name),
          Object.keys(properties).map((name) => `\`${name}\``),
        );
        for (const [name = '', type, fallback, meaning] of rows) {
          const property = properties[name.slice(1, -1)]!;
          assert.ok(property.description, `${name} has no description in the schema`);
          assert.ok(type && fallback && meaning, name);
          if (property.default !== undefined) assert.equal(fallback, `\`${JSON.stringify(property.default)}\``, name);
        }
      });

      it('has examples that load without a complaint', async () => {
        const page = readme(entry.name);
        assert.equal(headingsOf(page)[0], entry.name);
        const examples = fencesOf(page).filter(({ info }) => info === 'ini');
        assert.ok(examples.length > 0);
        for (const { text, line } of examples) {
          const { code, stderr } = await runCircusd(['--check', temporary.write('circus.ini', text)]);
          // Pages name programs and folders that nobody has.
          const others = stderr.split('\n').filter((said) => said !== '' && !isMissing.test(said));
          assert.deepEqual([code, others], [0, []], `line ${line}: ${stderr}`);
        }
      });
    });
  }
});
