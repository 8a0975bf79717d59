import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { circusdPerTest, startCircusd, withEndpoints } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { assertNothingLeft, watchLeftovers } from '../support/leftovers.js';
import { program, root } from '../support/paths.js';
import { freePort } from '../support/ports.js';
import { lives, see } from '../support/proc.js';
import { python } from '../support/python.js';
import { run } from '../support/run.js';
import { makeTemporary, temporaryPerTest, temporaryRoot } from '../support/temporary.js';

describe('eventually', () => {
  it('resolves with the answer as soon as there is one', async () => {
    let calls = 0;
    assert.equal(await eventually(() => (++calls === 3 ? 'done' : '')), 'done');
    await eventually(() => assert.equal(++calls, 6));
  });

  it('rejects with the last error', async () => {
    let calls = 0;
    const never = () => {
      throw new Error(`call ${++calls}`);
    };
    await assert.rejects(eventually(never, { within: 30 }), () => true);
    assert.ok(calls > 1);
    await assert.rejects(
      eventually(() => false, { within: 1 }),
      /still false/,
    );
  });
});

describe('the support of tests', () => {
  it('knows the repository', () => {
    assert.ok(existsSync(join(root, 'package.json')));
    assert.throws(() => program('nothing'), /npm run build/);
  });

  it('finds a port that is free', async () => {
    const server = createServer().listen(await freePort(), '127.0.0.1');
    await once(server, 'listening');
    server.close();
  });

  it('runs programs to their end, and not longer than that', async () => {
    const script = 'read line; echo "$line"; echo no >&2; exit 3';
    assert.deepEqual(await run('sh', ['-c', script], { input: 'yes\n' }), { code: 3, stdout: 'yes\n', stderr: 'no\n' });
    assert.equal((await run('sh', ['-c', 'kill -TERM $$'])).code, 143);
    await assert.rejects(run('sleep', ['60'], { within: 50 }), /"sleep 60" took longer than 50 ms/);
    await assert.rejects(run('/nowhere', []), /ENOENT/);
  });

  it('runs Python with zmq', async () => {
    const { stdout } = await python('import sys, zmq; print(sys.argv[1], zmq.REQ)', ['word']);
    assert.equal(stdout, 'word 3\n');
  });
});

describe('a temporary folder', () => {
  const temporary = temporaryPerTest();
  let last = '';

  it('is there during a test', () => {
    last = temporary.write('deep/down.txt', 'x');
    assert.ok(last.startsWith(temporaryRoot) && existsSync(last));
  });

  it('and gone after it', () => assert.ok(!existsSync(last)));
});

describe('leftovers', () => {
  it('are none when all was put back', async () => {
    const before = watchLeftovers();
    await run('true', []);
    makeTemporary().remove();
    await assertNothingLeft(before);
  });

  it('are waited for', async () => {
    watchLeftovers();
    spawn('sleep', ['0.2']);
    await assertNothingLeft();
  });

  it('are listed: children with their words, descriptors, files', async () => {
    const before = watchLeftovers();
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    const descriptor = openSync('/dev/zero', 'r');
    writeFileSync(join(temporaryRoot, 'forgotten'), '');
    try {
      await assert.rejects(assertNothingLeft(before, 100), (error: Error) => {
        assert.match(error.message, new RegExp(`process ${child.pid}: sleep 60`));
        assert.match(error.message, /descriptor \d+: \/dev\/zero/);
        assert.match(error.message, /file .*\/forgotten/);
        return true;
      });
    } finally {
      child.kill('SIGKILL');
      closeSync(descriptor);
      await run('rm', [join(temporaryRoot, 'forgotten')]);
      await assertNothingLeft(before);
    }
  });

  it('are not the files of a folder that a test still holds', async () => {
    const before = watchLeftovers();
    const held = makeTemporary();
    held.write('file', '');
    await assertNothingLeft(before);
    held.remove();
  });
});

describe('a daemon for a test', () => {
  const start = circusdPerTest();
  const ini = '[watcher:sleeper]\ncmd = sleep 600\nnumprocesses = 2\n';

  it('gets endpoints of its own where the configuration names none', () => {
    const plain = withEndpoints(ini, '/t');
    assert.equal(plain.endpoint, 'ipc:///t/control');
    assert.ok(plain.text.startsWith('[circus]\nendpoint = ipc:///t/control\npubsub_endpoint = ipc:///t/events\n'));
    const named = withEndpoints('[circus]\nendpoint = tcp://127.0.0.1:1\n', '/t');
    assert.equal(named.endpoint, 'tcp://127.0.0.1:1');
    assert.equal(named.text, '[circus]\npubsub_endpoint = ipc:///t/events\nendpoint = tcp://127.0.0.1:1\n');
  });

  it('answers circusctl, and leaves nothing when it is stopped', async () => {
    const before = watchLeftovers();
    const daemon = await start(ini);
    const { stdout, stderr } = await daemon.ctl('numprocesses', 'sleeper');
    assert.match(stdout, /2/, stderr);
    await eventually(() => assert.equal(daemon.descendants().length, 2));
    assert.equal(await daemon.stop(), 0);
    await assertNothingLeft(before);
  });

  it('is reported with its log when it ends early', async () => {
    await assert.rejects(startCircusd('[nonsense', { args: ['--strict'] }), /ended with \d+ before it was ready\n./);
  });

  it('is told of what a crash leaves behind, and that is killed', async () => {
    const daemon = await start(ini);
    const sleepers = await eventually(() => {
      const found = daemon.descendants();
      assert.equal(found.length, 2);
      return found;
    });
    await assert.rejects(daemon.stop('SIGKILL', 100), /left behind:\n {2}process \d+: sleep 600/);
    await eventually(() => assert.ok(!sleepers.some(lives)));
    assert.equal(see(daemon.pid), undefined);
  });
});
