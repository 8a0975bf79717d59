import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryPerTest } from '../../support/temporary.js';
import { run } from '../../../cli/ctl/run.js';

/** Runs a command line; resolves with its exit code and what it printed. */
async function circusctl(...argv: string[]) {
  const printed = { out: '', err: '' };
  const code = await run(argv, {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
  });
  return { code, ...printed };
}

describe('circusctl import', () => {
  const folder = temporaryPerTest();

  it('prints the configuration of another supervisor, and on the errors what did not map', async () => {
    const file = join(folder.path, 'supervisord.conf');
    writeFileSync(file, '[program:web]\ncommand=/bin/web --port 80\nnumprocs=2\nprocess_name=%(process_num)s\n');
    const { code, out } = await circusctl('import', file);
    assert.equal(code, 0);
    assert.match(out, /^\[watcher:web\]\ncmd = \/bin\/web --port 80\nnumprocesses = 2$/m);
  });

  it('fails when a file is not there, and names it', async () => {
    const { code, err } = await circusctl('import', join(folder.path, 'Procfile'));
    assert.equal(code, 1);
    assert.match(err, /Procfile:1:1: the file ".*Procfile" does not exist/);
  });

  it('takes only the kinds that there are', async () => {
    const { code, err } = await circusctl('import', '--from', 'launchd', 'x');
    assert.equal(code, 2);
    assert.match(err, /--from is one of supervisord, procfile/);
  });
});
