import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfiguration } from '../../../cli/config/build.js';

/** In ms of processor time, of which the best of several runs counts: other programs run on this machine too. */
const budget = 150;

describe('a thousand watchers in one file', () => {
  it(`are read, filled in and checked in ${budget} ms`, function () {
    this.timeout(20_000);
    const folder = mkdtempSync(join(tmpdir(), 'circusd-figures-'));
    try {
      const file = join(folder, 'circus.ini');
      const watchers = Array.from(
        { length: 1000 },
        (_, at) => `[watcher:w${at}]
cmd = run --port $(circus.env.PORT) --wid $(circus.wid)
args = --name w${at}
numprocesses = 2
working_dir = /tmp
copy_env = True
graceful_timeout = 10
rlimit_nofile = 1024
stdout_stream.class = FileStream
stdout_stream.filename = /var/log/w${at}.log
[env:w${at}]
PORT = ${8000 + at}`,
      );
      writeFileSync(file, ['[circus]\ncheck_delay = 5\n[env]\nA = 1\n', ...watchers].join('\n'));
      const times = Array.from({ length: 5 }, () => {
        const began = process.cpuUsage();
        const { problems, watchers: built } = readConfiguration(file, process.env);
        assert.deepEqual([problems.length, built.length], [0, 1000]);
        const { user, system } = process.cpuUsage(began);
        return (user + system) / 1000;
      });
      assert.ok(Math.min(...times) <= budget, `took ${times.map(Math.round).join(', ')} ms`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
