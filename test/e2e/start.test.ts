/** `npm start`: what it prints is true. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { eventually } from '../support/eventually.js';
import { inRoot, program } from '../support/paths.js';
import { freePort } from '../support/ports.js';
import { run } from '../support/run.js';
import { temporaryPerTest } from '../support/temporary.js';
import { isClosed, readExample } from './example.js';
import { request } from './load.js';

describe('npm start', function () {
  this.timeout(30_000);
  const folder = temporaryPerTest();

  it('says what to try next, and that works', async () => {
    const port = await freePort();
    // Its paths are relative to the folder of the repository: here is one like it, but for the port.
    folder.write('docs/examples/hello.ini', readExample('hello.ini', { 8010: String(port) }));
    symlinkSync(inRoot('dist'), `${folder.path}/dist`);
    const env = { ...process.env, CIRCUSD_RUNTIME_DIR: `${folder.path}/run` };
    const at = { cwd: folder.path, env };
    const started = spawn(process.execPath, [inRoot('.ci', 'start.mjs')], { ...at, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [started.stdout, started.stderr])
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    const exited = once(started, 'close');
    try {
      await eventually(() => output.includes('web started'), { within: 10_000 });
      const [, address] = /^ +curl (http:\/\/\S+)/m.exec(output)!;
      assert.equal(address, 'http://127.0.0.1:8010/');
      assert.match((await request(port)).text, /^hello from worker [123], process \d+\n$/);

      const lines = [...output.matchAll(/^ +npx circusctl (.+?)(?: {2,}.*)?$/gm)].map(([, words]) => words!.split(' '));
      assert.deepEqual(
        lines.map(([command]) => command),
        ['status', 'incr', 'reload', 'stop'],
      );
      const [, again] = /start it again with: npx circusctl (.*)$/m.exec(output)!;
      const answers: string[] = [];
      for (const words of [...lines, again!.split(' '), ['numprocesses', 'web'], ['status', 'ticker']]) {
        const { code, stdout, stderr } = await run(process.execPath, [program('circusctl'), ...words], at);
        assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
        answers.push(stdout);
      }
      assert.match(answers[0]!, /^web: active$/m);
      assert.deepEqual(answers.slice(-2), ['5\n', 'active\n']);
      assert.match(output, /web reloaded[^]*ticker stopped[^]*ticker started/);
    } finally {
      started.kill('SIGTERM');
      await exited;
    }
    assert.equal(started.exitCode, 0, output);
    assert.match(output, /circusd exits\S*\n$/);
    assert.ok(await isClosed(port));
  });

  it('prints words that npx finds', async () => {
    const { code, stdout, stderr } = await run('npx', ['--no', '--', 'circusctl', '--version'], { cwd: inRoot() });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^circusctl \d/);
  });
});
