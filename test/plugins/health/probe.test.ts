import assert from 'node:assert/strict';
import type { PluginContext, Process, ProcessSpec } from '#core';
import { probesOf } from '#plugins/health/probe.js';
import { sheltered } from '#plugins/limits/loader.js';

describe('a check that is a command', () => {
  it('gives what has the rights of the daemon no variable of the watcher that would lead it elsewhere', async () => {
    const bare: ProcessSpec = {
      ...{ command: '/bin/app', args: [], cwd: '/', files: {} },
      chain: [['/usr/bin/setpriv', '--reuid', '65534', '--']],
      env: { LD_PRELOAD: '/x.so', BASH_ENV: '/x', OWN: '1' },
    };
    const spec = sheltered(bare, '/usr/bin/env');
    const ran: unknown[] = [];
    const run: PluginContext['run'] = async (command, args, options) => {
      ran.push([command, ...(args ?? [])], options?.bare, options?.env);
      return { code: 0, signal: null, stdout: '', stderr: '', truncated: false, timedOut: false };
    };
    const process = { spec, pid: 7, wid: 1 } as Process;
    const probe = probesOf({ exec: 'test -e x' } as Parameters<typeof probesOf>[0], process, run, 1000).get('exec')!;
    assert.equal(await probe(new AbortController().signal), undefined);
    assert.deepEqual(ran, [
      [
        '/usr/bin/setpriv',
        '--reuid',
        '65534',
        '--',
        '/usr/bin/env',
        'LD_PRELOAD=/x.so',
        'BASH_ENV=/x',
        'test',
        '-e',
        'x',
      ],
      true,
      { PATH: globalThis.process.env['PATH'], OWN: '1', CIRCUS_PID: '7' },
    ]);
  });
});
