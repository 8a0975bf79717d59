import assert from 'node:assert/strict';
import { chmodSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import { closedFor } from '#plugins/readable.js';
import { temporaryPerTest, temporaryRoot } from '../support/temporary.js';

describe('who may read what Node programs load', () => {
  const temporary = temporaryPerTest();
  before('open the folder of all temporary files', () => chmodSync(temporaryRoot, 0o711));
  after('close it', () => chmodSync(temporaryRoot, 0o700));
  const user = { name: 'somebody', uid: 12_345, gid: 12_345 };

  it('is nobody for whom a folder or the file is closed', () => {
    const { path } = temporary;
    const file = temporary.write('inner/file.js', '');
    const inner = join(path, 'inner');
    const modes = (...all: readonly [number, number, number]) =>
      [path, inner, file].forEach((one, at) => chmodSync(one, all[at]!));
    modes(0o755, 0o755, 0o644);
    assert.equal(closedFor(user, file), undefined);
    modes(0o711, 0o711, 0o604);
    assert.equal(closedFor(user, file), undefined);
    modes(0o755, 0o755, 0o640);
    assert.equal(closedFor(user, file), file);
    modes(0o755, 0o700, 0o644);
    assert.equal(closedFor(user, file), inner);
    assert.equal(closedFor({ ...user, uid: 0 }, file), undefined);
    modes(0o700, 0o700, 0o644);
    assert.equal(closedFor(user, file), path);
    if (process.getuid?.() !== 0) return;
    modes(0o755, 0o750, 0o600);
    chownSync(inner, 0, 54_321);
    chownSync(file, 12_345, 0);
    assert.equal(closedFor(user, file), undefined);
  });
});
