import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { Router } from 'zeromq';
import { temporaryPerTest } from '../../support/temporary.js';
import { circusctl } from './circusctl.js';

/** What somebody who is no circusd answers, given the request; nothing when it is undefined. */
type Answer = (request: { readonly id: string; readonly command: string }) => readonly string[];

describe('circusctl, at an endpoint', () => {
  const folder = temporaryPerTest();
  const open: { close(): unknown }[] = [];
  afterEach('close what was opened', () => {
    for (const socket of open.splice(0)) socket.close();
  });

  /** Someone at the endpoint who answers every request with these frames. */
  async function somebody(answer: Answer): Promise<Router> {
    const router = new Router({ linger: 0 });
    open.push(router);
    await router.bind(`ipc://${folder.path}/control.sock`);
    const serve = async () => {
      for await (const [peer, frame] of router) {
        const request = JSON.parse(String(frame)) as Parameters<Answer>[0];
        for (const text of answer(request)) await router.send([peer!, text]);
      }
    };
    serve().catch(() => undefined);
    return router;
  }
  const ctl = (...args: readonly string[]) => circusctl(folder.path, args);

  it('that never answers, gives up, and says that the work may go on', async () => {
    await somebody(() => []);
    const started = performance.now();
    const { code, stdout, stderr } = await ctl('--timeout', '0.4', 'stop', '--waiting');
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    assert.equal(
      stderr,
      `Timed out.\nThe daemon at ipc://${folder.path}/control.sock took "stop" and has not answered within 0.4 s; ` +
        'it may still be at it: look with "circusctl jobs", or wait longer with --timeout.\n',
    );
    assert.ok(performance.now() - started >= 400);
  });

  it('that never answers a question, says that it may be busy', async () => {
    await somebody(() => []);
    const { code, stderr, stdout } = await ctl('--json', '--timeout', '0.2', 'status');
    assert.equal(code, 1);
    assert.match(stderr, /^Timed out\.\nThe daemon at .* has not answered within 0\.2 s: it may be busy;/);
    assert.match((JSON.parse(stdout) as { reason: string }).reason, /^Timed out\./);
  });

  it('that is still at it, says how far it has come', async () => {
    const job = (watcher: string, more = {}) => ({
      id: 1,
      command: 'restart',
      watchers: [watcher],
      state: 'running',
      progress: { done: 0, total: 0 },
      by: 'x',
      ...more,
    });
    const progress = { done: 3, total: 8, text: '3 of 8 restarted' };
    let jobs: unknown = [job('other'), job('Web', { progress })];
    await somebody(({ id, command }) => (command === 'jobs' ? [JSON.stringify({ id, status: 'ok', jobs })] : []));
    const said = async (...args: readonly string[]) => {
      const { code, stderr } = await ctl('--timeout', '0.2', ...args);
      assert.equal(code, 1);
      return /^Timed out\.\nThe daemon at .* has not answered within 0\.2 s; (.*): look with/.exec(stderr)?.[1];
    };
    assert.equal(await said('restart', 'web'), 'restart of "Web" is still running (3 of 8 restarted) as job 1');
    assert.equal(
      await said('restart'),
      'restart of "other" is still running as job 1, restart of "Web" is still running (3 of 8 restarted) as job 1',
    );
    jobs = [1, 2, 3, 4, 5].map((at) => job(`w${at}`, { state: 'queued' }));
    assert.match((await said('stop')) ?? '', /^restart of "w1" is queued as job 1, .*"w3" is queued as job 1, 2 more$/);
    for (const none of [[], 'nonsense', undefined, [null], [{ command: 'restart' }]]) {
      jobs = none;
      assert.equal(await said('restart'), 'it may still be at it');
    }
  });

  it('that does not know what is going on, says that it may be', async () => {
    await somebody(({ id, command }) =>
      command === 'jobs' ? [JSON.stringify({ id, status: 'error', reason: "unknown command: 'jobs'", errno: 2 })] : [],
    );
    const { stderr } = await ctl('--timeout', '0.2', 'restart');
    assert.match(stderr, /has not answered within 0\.2 s; it may still be at it: look with/);
  });

  it('that answers garbage, says so', async () => {
    for (const garbage of ['hello', '[1]', '', `"${'x'.repeat(500)}"`]) {
      const router = await somebody(() => [garbage]);
      const { code, stderr } = await ctl('status');
      router.close();
      assert.equal(code, 1);
      assert.match(stderr, /^error: ipc:.*\/control\.sock answers, but not as a circusd does: ".{0,70}"\n$/);
    }
  });

  it('that answers others first, waits for its own answer', async () => {
    await somebody(({ id, command }) => [
      '{"id": "another", "status": "error", "reason": "not mine"}',
      '{"status": "ok"}',
      JSON.stringify({ id, status: 'ok', time: 1, statuses: { [command]: 'active' } }),
    ]);
    assert.deepEqual(await ctl('status'), { code: 0, stdout: 'status: active\n', stderr: '' });
  });

  it('whose daemon goes away, says so without waiting', async () => {
    const router = await somebody(() => {
      setImmediate(() => router.close());
      return [];
    });
    const { code, stderr } = await ctl('--timeout', '20', 'restart');
    assert.equal(code, 1);
    assert.match(stderr, /^error: the daemon at .* went away before it had answered\n$/);
  });

  it('that is no daemon at all, says so', async () => {
    const server: Server = createServer((socket) => socket.on('error', () => undefined));
    await new Promise<void>((resolve) => server.listen(`${folder.path}/control.sock`, resolve));
    open.push(server);
    const { code, stderr } = await ctl('--timeout', '0.3', 'status');
    assert.equal(code, 1);
    assert.match(stderr, /^Timed out\.\nWhoever listens at .* takes no commands from here, so nothing was asked/);
  });
});
