import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { circusdPerTest } from '../support/circusd.js';
import { circusctl } from './program.js';

/** What a process has in memory of files that it mapped, in MiB. */
const mapped = (pid: number) =>
  Number(/^RssFile:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;

describe('the memory of a daemon that has started', () => {
  const start = circusdPerTest();

  it('has none of the code that only the start needed, and what is needed again comes back', async () => {
    const daemon = await start('[watcher:web]\ncmd = sleep 600\n');
    await eventually(() => assert.ok(mapped(daemon.pid) < mapped(process.pid) / 2, `${mapped(daemon.pid)} MiB`));
    const { stdout } = await circusctl({ cwd: '/' }, '--endpoint', daemon.endpoint, 'status');
    assert.equal(stdout, 'web: active\n');
  });
});
