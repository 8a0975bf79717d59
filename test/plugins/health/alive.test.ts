import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Watcher } from '#core';
import health from '#plugins/health/index.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { program, worldPerTest } from './world.js';

describe('the watch over processes', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  const well = (wid: number) => folder.write(`well${wid}`, '');
  const quick = { 'alive.interval': '0.4', 'alive.jitter': '0', 'ready.delay': '0' };
  const checked = { ...quick, 'alive.exec': `test -e well$(circus.wid)` };
  const add = (options: Readonly<Record<string, unknown>>, given: Partial<Watcher['spec']> = {}) =>
    world().add('sleep 600', options, { working_dir: folder.path, ...given });
  const pids = ({ processes }: Watcher) => new Map(processes.map(({ wid, pid }) => [wid, pid]));

  it('replaces the one process that fails, in its own place, after so many bad probes', async () => {
    for (const wid of [1, 2, 3]) well(wid);
    const watcher = add(checked, { numprocesses: 3 });
    await watcher.start().result;
    const before = pids(watcher);
    rmSync(`${folder.path}/well2`);
    await eventually(() => assert.notEqual(pids(watcher).get(2) ?? before.get(2), before.get(2)));
    well(2);
    assert.deepEqual([pids(watcher).get(1), pids(watcher).get(3)], [before.get(1), before.get(3)]);
    assert.match(
      world().lines.join(),
      new RegExp(`web: process ${before.get(2)} is replaced: alive.exec: it fails its check with code 1, 3 times`),
    );
    const [[name, event, facts] = []] = world().published;
    assert.deepEqual([name, event, Object.keys(facts ?? {})], ['web', 'unhealthy', ['process_pid', 'reason']]);
  });

  it('forgives bad probes after a good one', async () => {
    let asked = 0;
    const server = createServer((_request, response) => response.writeHead(++asked % 3 === 0 ? 200 : 500).end());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const watcher = add({ ...quick, 'alive.interval': '0.1', 'alive.http': `http://127.0.0.1:${port}/` });
      await watcher.start().result;
      const [process] = watcher.processes;
      await eventually(() => assert.match(world().explained(watcher), /alive.http: it answers with state 500, 2 of 3/));
      await eventually(() => assert.ok(asked > 9));
      assert.equal(process!.stopping, undefined);
      await watcher.stop().result;
    } finally {
      server.close().closeAllConnections();
    }
  });

  it('begins when the process is ready, or is not ready in time', async () => {
    const gate = `${folder.path}/gate`;
    const options = { 'ready.exec': `test -e ${gate}`, 'ready.interval': '0.05', 'ready.delay': undefined };
    const watcher = add({ ...checked, ...options, 'alive.failure_threshold': '1' });
    const started = watcher.start().result;
    await eventually(() => assert.ok((watcher.processes[0]?.age ?? 0) > 500));
    const [process] = watcher.processes;
    assert.equal(process!.stopping, undefined);
    folder.write('gate', '');
    await started;
    await process!.ended;

    const never = add({ ...checked, ...options, 'ready.exec': 'false', 'ready.timeout': '0.2' }, { name: 'never' });
    await never.start().result;
    await never.processes[0]!.ended;
  });

  it('holds up nobody: a process that ignores its signal, and others that are stopped meanwhile', async () => {
    const watcher = world().add(program('ignore-term.sh'), checked, { working_dir: folder.path, graceful_timeout: 30 });
    await watcher.start().result;
    await eventually(() => assert.ok(watcher.processes[0]?.stopping));
    const other = add(checked, { name: 'other' });
    await other.start().result;
    const first = other.processes[0]!;
    await first.ended;
    assert.equal(watcher.processes[0]!.stopping!.by, 'plugin health');
    watcher.update({ ...watcher.spec, graceful_timeout: 0.1 });
    await watcher.kill(watcher.processes, { grace: 0 });
  });

  it('goes by new settings at once when they are changed', async () => {
    well(1);
    const watcher = add(checked);
    await watcher.start().result;
    const [process] = watcher.processes;
    watcher.update({ ...watcher.spec, options: { ...watcher.spec.options, 'alive.exec': 'false' } });
    await process!.ended;
    watcher.update({ ...watcher.spec, options: {} });
    await eventually(() => assert.equal(watcher.processes.length, 1));
    assert.equal(watcher.processes[0]!.stopping, undefined);
  });

  it('goes on over a reload of the plugin', async () => {
    well(1);
    const watcher = add(checked);
    await watcher.start().result;
    const [process] = watcher.processes;
    await world().host.reload('health', { plugin: health, options: {} });
    rmSync(`${folder.path}/well1`);
    await process!.ended;
  });

  it('ends with the process and the plugin, and is no fault', async () => {
    well(1);
    const watcher = add({ ...checked, 'alive.interval': '60', 'alive.initial_delay': '60' });
    await watcher.start().result;
    await watcher.restart().result;
    assert.deepEqual(world().faults, []);
  });
});
