import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readIni } from '../../../cli/config/ini.js';
import { isBlank, strip, stripEnd } from '../../../cli/config/text.js';

const full = process.env.CIRCUSD_FULL === '1';

describe('any configuration', function () {
  this.timeout(full ? 0 : 10_000);

  it('reads back as it was written in the dialect', () => {
    fc.assert(
      fc.property(fc.array(section, { maxLength: 6 }), eol, (sections, end) => {
        const unique = [...new Map(sections.map((one) => [one.name, one])).values()];
        const text = unique.map((one) => writeSection(one)).join('\n');
        const { sections: read, problems } = readIni(text.replaceAll('\n', end), 'a.ini');
        assert.deepEqual(problems, []);
        const pairs = read.map(({ name, options }) => [name, options.map(({ key, value }) => [key, value])]);
        const expected = unique.map(({ name, options }) => [
          name,
          options.map((one) => [one.key, one.lines.join('\n')]),
        ]);
        assert.deepEqual(pairs, expected);
      }),
      { numRuns: full ? 20_000 : 500 },
    );
  });
});

interface Section {
  readonly name: string;
  readonly options: readonly { readonly key: string; readonly lines: readonly string[]; readonly delimiter: string }[];
}

const letters = fc.constantFrom(...'abAB019 _-.:=;#[]"\'\\\t%$()*{}\u00a0\u0085\u2028\ufeffäλ😀\0'.match(/./gsu)!);
const text = fc.string({ unit: letters, maxLength: 12 });
const words = fc.constantFrom('__proto__', 'constructor', 'true', 'null', '10', '2', 'a.b', 'k[]', 'remark', '""x');
const eol = fc.constantFrom('\n', '\r\n', '\r');

/** No blank or comment in front, and nothing that ends the key early. */
const key = fc
  .oneof(text, words)
  .map((written) => stripEnd(written.replace(/[=:]/g, '')))
  .filter((name) => name !== '' && !isBlank(name[0]!) && !/^(?:[#;[\ufeff]|rem$)/i.test(name))
  .filter((name) => !/^rem/i.test(name) || !isBlank(name[3] ?? ''));

/** What follows the delimiter: no comment in it, and not the one text that means empty. */
const firstLine = fc
  .oneof(text, words)
  .map(strip)
  .filter((line) => line !== '""' && !isBlank(line.at(line.indexOf(';') - 1) ?? '') && line !== ';');
const nextLine = fc
  .oneof(text, words)
  .map(strip)
  .filter((line) => line !== '');

const option = fc.record({
  key,
  lines: fc.tuple(firstLine, fc.array(nextLine, { maxLength: 2 })).map(([first, next]) => [first, ...next]),
  delimiter: fc.constantFrom('=', ':', ' = ', ' : ', '= ', '\t=\t'),
});
const section: fc.Arbitrary<Section> = fc.record({
  name: fc.oneof(text, words).filter((name) => name !== ''),
  options: fc.uniqueArray(option, { selector: (one) => one.key, maxLength: 6 }),
});

function writeSection({ name, options }: Section): string {
  const lines = options.flatMap((one) => [
    '# a comment',
    `${one.key}${one.delimiter}${one.lines[0]}`,
    ...one.lines.slice(1).flatMap((line) => ['', `  ${line}`]),
  ]);
  return [`[${name}] ; a note`, ...lines].join('\n');
}
