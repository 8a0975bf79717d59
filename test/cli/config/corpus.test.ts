import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';
import { readIni } from '../../../cli/config/ini.js';
import { asRead, mergeFiles } from '../../../cli/config/sections.js';

interface Expected {
  readonly sections?: Record<string, Record<string, string>>;
  readonly DEFAULT?: Record<string, string>;
  readonly error?: string;
  readonly partial?: Record<string, Record<string, string>>;
}

/** Files of real projects and probes, with what Circus 0.19 itself reads from each; they lie beside the repository. */
const corpus = resolve('../shared/corpus');

describe('the corpus', () => {
  const sets = [
    { files: 'circus', readings: 'circus-EXPECTED.json' },
    { files: 'probes', readings: 'probes/EXPECTED.json' },
  ];
  for (const { files, readings } of sets) {
    it(`is read as Circus reads it: ${files}`, function () {
      if (!existsSync(corpus)) this.skip();
      const expected = JSON.parse(readFileSync(resolve(corpus, readings), 'utf8')) as Record<string, Expected>;
      for (const [name, reading] of Object.entries(expected)) check(resolve(corpus, files, name), name, reading);
    });
  }
});

function check(path: string, name: string, expected: Expected): void {
  const ini = readIni(readFileSync(path, 'utf8'), name);
  const read = asRead(mergeFiles(name, [ini]));
  const bad = ini.problems.filter(({ severity }) => severity === 'error').map(({ line }) => line);
  assert.ok(readConfiguration(path, {}).problems.every(({ line, column }) => line > 0 && column > 0));
  if (expected.sections) {
    const { DEFAULT } = expected;
    assert.deepEqual(read, DEFAULT ? { sections: expected.sections, DEFAULT } : { sections: expected.sections }, name);
    assert.deepEqual(bad, [], name);
  } else if (name.includes('_bom.')) {
    // The byte order mark is the one thing that is read here and refused by Circus.
    assert.deepEqual([read, bad], [{ sections: { w: { a: '1' } } }, []], name);
  } else {
    // Circus tells of the first bad lines only, and stops at once where no section has begun.
    const lines = [...expected.error!.matchAll(/line:? +(\d+)/g)].map(([, line]) => Number(line));
    assert.deepEqual(bad.slice(0, lines.length), lines, name);
    if (!expected.error!.startsWith('MissingSection')) assert.deepEqual(read.sections, expected.partial, name);
  }
}
