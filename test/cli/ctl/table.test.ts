import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { inRoot } from '../../support/paths.js';
import { tableSource } from './table-source.js';

const file = inRoot('cli', 'ctl', 'table.ts');

describe('the table of commands that circusctl carries', () => {
  it('is what the commands declare', async () => {
    const source = await tableSource();
    if (process.env['WRITE_TABLE']) writeFileSync(file, source);
    assert.equal(
      readFileSync(file, 'utf8'),
      source,
      'a command was changed: WRITE_TABLE=1 npm test -- test/cli/ctl/table.test.ts',
    );
  });
});
