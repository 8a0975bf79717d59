import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { catalogue, errorCodes } from '#core';
import { schema } from '../../cli/config/schema.js';
import { runCircusd } from '../support/circusd.js';
import { inRoot } from '../support/paths.js';
import { temporaryPerTest } from '../support/temporary.js';
import { anchorsOf, fencesOf, headingsOf, linksOf, tableNames } from './markdown.js';
import { read, sourceFiles } from './source.js';

const documentsIn = (folder: string): string[] =>
  readdirSync(inRoot(folder), { recursive: true })
    .map((name) => posix.join(folder, String(name)))
    .filter((name) => name.endsWith('.md') && !name.includes('node_modules/'));

const plugins = readdirSync(inRoot('plugins'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const top = readdirSync(inRoot()).filter((name) => name.endsWith('.md'));
const documents = [...top, ...['docs', 'plugins', 'test'].flatMap(documentsIn)];

const none = (faults: readonly string[]) => assert.equal(faults.join('\n'), '');
const missing = (wanted: Iterable<string>, there: Iterable<string>) => {
  const found = new Set(there);
  return [...wanted].filter((name) => !found.has(name));
};

describe('the documents', () => {
  it('are there', () => {
    const wanted = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'docs/architecture.md'];
    none(wanted.filter((file) => !existsSync(inRoot(file))));
  });

  it('list every error code of the kernel, and no code that is not in the sources', () => {
    const listed = read('docs/reference/errors.md').match(/\bERR_[A-Z_]+\b/g) ?? [];
    const sources = ['core', 'plugins', 'cli'].flatMap(sourceFiles).map(read).join('\n');
    none(missing(errorCodes, listed));
    none(missing(listed, sources.match(/\bERR_[A-Z_]+\b/g) ?? []));
  });

  it('list every hook in the tables of docs/reference/hooks.md, and no other', () => {
    const listed = tableNames(read('docs/reference/hooks.md'));
    none(missing(Object.keys(catalogue), listed));
    none(missing(listed, Object.keys(catalogue)));
  });

  it('give each plugin a page with its name, description, options, events and examples', () => {
    const sections = ['Name', 'Description', 'Options', 'Events', 'Examples'];
    for (const name of plugins) {
      const page = `plugins/${name}/README.md`;
      assert.ok(existsSync(inRoot(page)), `${page} is missing`);
      const found = headingsOf(read(page)).filter((heading) => sections.includes(heading));
      assert.deepEqual(found, sections, page);
    }
  });

  it('say on the first page of each option that has no effect', () => {
    const [, section = ''] = /^## What this version does not do\n([^]*?)^## /m.exec(read('README.md')) ?? [];
    const listed = [...section.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, key]) => key!),
    );
    const isListed = (key: string) =>
      listed.some((name) => name === key || (name.endsWith('*') && key.startsWith(name.slice(0, -1))));
    const without = Object.values(schema)
      .flat()
      .filter(({ owner, type }) => type === 'unused' || (owner !== null && !plugins.includes(owner)));
    assert.ok(without.length > 0);
    none(without.map(({ key }) => key).filter((key) => !isListed(key)));
    const working = new Set(
      Object.values(schema).flatMap((options) => options.filter((one) => !without.includes(one))),
    );
    const isWithout = (name: string) => without.some(({ key }) => key === name);
    none(listed.filter((name) => !isWithout(name) && [...working].some(({ key }) => key === name)));
  });

  it('tell of each plugin in the change log', () => {
    const log = read('CHANGELOG.md');
    none(plugins.filter((name) => !new RegExp(`\\b${name}\\b`).test(log)));
  });

  it('link only to files and headings that are there', () => {
    const faults = documents.flatMap((document) => {
      const relative = linksOf(read(document)).filter((link) => !/^([a-z][a-z0-9+.-]*:|\/\/)/i.test(link));
      return relative
        .filter((link) => {
          const [path = '', anchor] = link.split('#');
          const file = path === '' ? document : posix.join(posix.dirname(document), decodeURIComponent(path));
          if (file.startsWith('..') || !existsSync(inRoot(file))) return true;
          return anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor);
        })
        .map((link) => `${document}: ${link}`);
    });
    none(faults);
  });
});

describe('the configurations in the documents', () => {
  const temporary = temporaryPerTest();
  // A block that is only a piece on purpose is marked as "ini fragment".
  const blocks = documents.flatMap((document) =>
    fencesOf(read(document))
      .filter(({ info }) => info === 'ini')
      .map((fence) => ({ document, ...fence })),
  );
  for (const { document, line, text } of blocks) {
    it(`are loaded by circusd: ${document}:${line}`, async () => {
      const file = temporary.write('circus.ini', text);
      const { code, stdout, stderr } = await runCircusd(['--check', file], { cwd: temporary.path });
      assert.doesNotMatch(stderr, /^error: /m);
      assert.equal(code, 0, `${stdout}${stderr}`);
    });
  }

  const examples = readdirSync(inRoot('docs'), { recursive: true })
    .map((name) => `docs/${String(name)}`)
    .filter((name) => name.endsWith('.ini'));
  for (const example of examples) {
    it(`are loaded by circusd without a complaint: ${example}`, async () => {
      const { code, stderr } = await runCircusd(['--check', inRoot(example)]);
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
    });
  }

  it('are there: in the README, a guide, each plugin, and as examples', () => {
    const from = new Set(blocks.map(({ document }) => document));
    none(
      missing(
        plugins.map((name) => `plugins/${name}/README.md`),
        from,
      ),
    );
    none(missing(['docs/examples/hello.ini', 'docs/examples/web.ini'], examples));
  });
});

describe('the reader of documents', () => {
  const text = [
    '# One `a`',
    '[a](b.md#c) `[no](x.md)`',
    '```ini',
    '[circus]',
    '# no heading',
    '[no](y.md)',
    '```',
    '## Two words!',
    '| `x` / `y` | `z` |',
    '```ini fragment',
    '```',
  ].join('\n');

  it('finds fences, headings, links and names', () => {
    assert.deepEqual(
      fencesOf(text).map(({ info, line }) => [info, line]),
      [
        ['ini', 4],
        ['ini fragment', 11],
      ],
    );
    assert.deepEqual(headingsOf(text), ['One `a`', 'Two words!']);
    assert.deepEqual([...anchorsOf(text)], ['one-a', 'two-words']);
    assert.deepEqual(linksOf(text), ['b.md#c']);
    assert.deepEqual(tableNames(text), ['x', 'y']);
  });
});
