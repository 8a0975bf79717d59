/** What the package.json of a plugin claims, which is read without importing it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { claimedKeys } from '../../cli/plugins/find.js';
import { temporaryPerTest } from '../support/temporary.js';

describe('the claims of a package', () => {
  const folder = temporaryPerTest();
  /** Without the sections of plugins of ours, which are known without any package. */
  const beside = ({ keys, sections = [] }: ReturnType<typeof claimedKeys>) => {
    assert.ok(sections.includes('endpoint'));
    return { keys, sections: sections.filter((kind) => kind !== 'endpoint') };
  };
  const claims = (contents: string) => {
    folder.write('package.json', contents);
    folder.write('plugin.js', '');
    return beside(claimedKeys(['./plugin.js'], folder.path));
  };

  it('are its keys and sections', () => {
    const circusd = { keys: ['colour.*'], sections: ['tunnel'] };
    assert.deepEqual(claims(JSON.stringify({ circusd })), circusd);
  });

  it('are nothing where they are no lists of texts', () => {
    const nothing = { keys: [], sections: [] };
    const wrong = ['null', '[]', '3', '{', '{"circusd":5}', '{"circusd":null}', '{"circusd":{"keys":5,"sections":{}}}'];
    for (const contents of wrong) assert.deepEqual(claims(contents), nothing, contents);
    const mixed = { keys: [1, null, '', 'a', ['b']], sections: 'tunnel' };
    assert.deepEqual(claims(JSON.stringify({ circusd: mixed })), { keys: ['a'], sections: [] });
  });

  it('are nothing where the file is a pipe', () => {
    folder.write('plugin.js', '');
    rmSync(join(folder.path, 'package.json'), { force: true });
    execFileSync('mkfifo', [join(folder.path, 'package.json')]);
    assert.deepEqual(beside(claimedKeys(['./plugin.js'], folder.path)), { keys: [], sections: [] });
  });
});
