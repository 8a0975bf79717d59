import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { Publisher } from 'zeromq';
import { circusdPerTest } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/ports.js';
import { program } from '../../support/paths.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { bareEnvironment, circusctl } from './circusctl.js';

const ini = '[watcher:web]\ncmd = sleep 3600\n';

describe('circusctl listen', () => {
  const startCircusd = circusdPerTest();
  const folder = temporaryPerTest();
  const listeners: ChildProcessWithoutNullStreams[] = [];
  afterEach('end the listeners', () => {
    for (const listener of listeners.splice(0)) listener.kill('SIGKILL');
  });

  /** A listener, and what it has printed so far. */
  function listen(...args: readonly string[]) {
    const child = spawn(process.execPath, [program('circusctl'), ...args], { env: bareEnvironment(folder.path) });
    listeners.push(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    return { child, closed, said: () => stdout, wrong: () => stderr };
  }

  it('prints a line per event, until Ctrl-C', async () => {
    const daemon = await startCircusd(ini);
    const { child, closed, said, wrong } = listen('--endpoint', daemon.endpoint, 'listen');
    // A subscription takes effect at a time that nobody is told.
    await eventually(async () => {
      await daemon.ctl('incr', 'web', '--waiting');
      return said().includes('watcher.web.spawn: {');
    });
    for (const line of said().trimEnd().split('\n')) {
      const [, event = ''] = /^watcher\.web\.\w+: (\{.*\})$/.exec(line) ?? [];
      assert.equal(typeof (JSON.parse(event) as { time: unknown }).time, 'number');
    }
    child.kill('SIGINT');
    assert.deepEqual(await closed, [1, null]);
    assert.equal(wrong(), '');
  });

  it('prints only the topics that were named', async () => {
    const daemon = await startCircusd(ini);
    const { said } = listen('--endpoint', daemon.endpoint, 'listen', 'watcher.web.kill', 'watcher.web.stop');
    await eventually(async () => {
      await daemon.ctl('restart', 'web', '--waiting');
      return said().includes('watcher.web.stop: ');
    });
    assert.doesNotMatch(said(), /^watcher\.web\.(spawn|start|reap)/m);
  });

  it('prints the events of the watchers that a group means, and of no other', async () => {
    const daemon = await startCircusd(`${ini}group = api\n[watcher:web.b]\ncmd = sleep 3600\n`);
    const { said } = listen('--endpoint', daemon.endpoint, 'listen', '@api');
    await eventually(async () => {
      for (const name of ['web.b', 'web']) await daemon.ctl('incr', name, '--waiting');
      return said().includes('watcher.web.spawn: ');
    });
    assert.doesNotMatch(said(), /^watcher\.web\.b\./m);
    const { closed, wrong } = listen('--endpoint', daemon.endpoint, 'listen', '@apis');
    assert.deepEqual(await closed, [3, null]);
    assert.equal(wrong(), 'error: no watcher is in group \'apis\' (did you mean "@api"?)\n');
  });

  it('prints JSON when asked to', async () => {
    const daemon = await startCircusd(ini);
    const { said } = listen('--json', '--endpoint', daemon.endpoint, 'listen', 'watcher.web.spawn');
    await eventually(async () => {
      await daemon.ctl('incr', 'web', '--waiting');
      return said().includes('\n');
    });
    const { topic, event } = JSON.parse(said().split('\n')[0]!) as { topic: string; event: { process_pid: number } };
    assert.equal(topic, 'watcher.web.spawn');
    assert.equal(typeof event.process_pid, 'number');
  });

  it('takes the address of the events themselves, as in Circus', async () => {
    const daemon = await startCircusd(ini);
    const events = daemon.endpoint.replace('control', 'events');
    // Long enough that only a subscription made at once can print anything in time.
    const { said } = listen('--timeout', '60', '--endpoint', events, 'listen');
    await eventually(async () => {
      await daemon.ctl('incr', 'web', '--waiting');
      return said().includes('watcher.web.spawn: {');
    });
  });

  it('still listens to such an address when the time for an answer is over', async () => {
    const publisher = new Publisher({ linger: 0 });
    const endpoint = `ipc://${folder.path}/events`;
    await publisher.bind(endpoint);
    const { said } = listen('--timeout', '0.2', '--endpoint', endpoint, 'listen');
    try {
      const end = performance.now() + 600;
      await eventually(async () => {
        await publisher.send(['watcher.a.b', '{}']);
        return performance.now() > end && said() !== '';
      });
      const before = said().length;
      await eventually(async () => {
        await publisher.send(['watcher.a.b', '{}']);
        return said().length > before;
      });
    } finally {
      publisher.close();
    }
  });

  it('ends where nobody is', async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const { code, stderr } = await circusctl(folder.path, ['--timeout', '0.3', '--endpoint', endpoint, 'listen']);
    assert.equal(code, 1);
    assert.match(stderr, /^Timed out\.\nNobody could be reached/);
  });

  it('ends quietly when its reader is gone', async () => {
    const daemon = await startCircusd(ini);
    const { child, closed, said, wrong } = listen('--endpoint', daemon.endpoint, 'listen');
    await eventually(async () => {
      await daemon.ctl('incr', 'web', '--waiting');
      return said() !== '';
    });
    child.stdout.destroy();
    await daemon.ctl('incr', 'web', '--waiting');
    assert.deepEqual(await closed, [0, null]);
    assert.equal(wrong(), '');
  });
});
