import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import type { Watcher } from '#core';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { program, worldPerTest } from './world.js';

describe('what is done about a process that is not alive', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  // With room for a machine that is busy: one probe that takes too long does not matter.
  const quick = {
    'alive.interval': '0.4',
    'alive.timeout': '0.4',
    'alive.jitter': '0',
    'alive.failure_threshold': '2',
  };
  const add = (options: Readonly<Record<string, unknown>>, cmd = 'sleep 600', given: Partial<Watcher['spec']> = {}) =>
    world().add(
      cmd,
      { ...quick, 'ready.delay': '0', 'alive.exec': 'test -e well$(circus.wid)', ...options },
      { working_dir: folder.path, ...given },
    );
  const command = (text: string) => `exec:sh ${folder.write('command.sh', text)}`;
  const told = (event: string) => world().published.filter(([, name]) => name === event).length;
  const path = (name: string) => `${folder.path}/${name}`;
  const well = (wid = 1) => folder.write(`well${wid}`, '');
  const ill = (wid = 1) => rmSync(path(`well${wid}`));

  it('drain: another one is ready before it gets its signal, and it has its whole grace', async () => {
    well();
    const watcher = add({
      'alive.action': 'drain',
      'ready.exec': 'test -e well$(circus.wid)',
      'ready.interval': '0.05',
    });
    await watcher.start().result;
    const [old] = watcher.processes;
    ill();
    await eventually(() => assert.equal(watcher.processes.length, 2));
    assert.equal(old!.stopping, undefined);
    well(2);
    await old!.ended;
    assert.equal(old!.stopping!.reason, 'replaced');
    assert.match(old!.stopping!.why!, /^alive\.exec: it fails its check with code 1/);
    assert.equal(watcher.processes.length, 1);
    assert.equal(told('unhealthy'), 1);
  });

  it('event: it is told once, until it is well again, and runs on', async () => {
    well();
    const watcher = add({ 'alive.action': 'event' });
    await watcher.start().result;
    const [process] = watcher.processes;
    for (const round of [1, 2]) {
      ill();
      await eventually(() => assert.equal(told('unhealthy'), round));
      await eventually(() => assert.match(world().explained(watcher), /It may not be alive: alive\.exec/));
      assert.equal(told('healthy'), round - 1);
      well();
      await eventually(() => assert.equal(told('healthy'), round));
    }
    assert.deepEqual([process!.alive, process!.stopping], [true, undefined]);
    assert.equal(told('unhealthy'), 2);
  });

  it('exec: the command decides, knows what it is about, and has a deadline', async () => {
    well();
    const action = command(
      `echo "$CIRCUS_WATCHER $CIRCUS_WID $CIRCUS_PID $CIRCUS_CONDITION" >> ${path('facts')}\necho looked\nexec sleep 600\n`,
    );
    const watcher = add({ 'alive.action': action, 'alive.action_timeout': '0.3' });
    await watcher.start().result;
    const [process] = watcher.processes;
    ill();
    await eventually(() => assert.match(world().lines.join('\n'), /web: sh was killed after 0\.3 s/));
    assert.match(world().lines.join('\n'), /web: sh: looked/);
    well();
    await eventually(() => assert.equal(told('healthy'), 1));
    assert.equal(readFileSync(path('facts'), 'utf8'), `web 1 ${process!.pid} alive.exec\n`);
    assert.equal(process!.stopping, undefined);
  });

  it('a dump by a command comes before the signal', async () => {
    well();
    const dump = command(`kill -0 "$CIRCUS_PID" && echo "$CIRCUS_REASON" > ${path('dump')}\n`);
    const watcher = add({ 'alive.dump': dump });
    await watcher.start().result;
    const [process] = watcher.processes;
    ill();
    await process!.ended;
    assert.match(readFileSync(path('dump'), 'utf8'), /^alive\.exec: it fails its check with code 1, 2 times\n$/);
    well();
  });

  it('a dump by a signal has its time, and no more when the process ends by it', async () => {
    well();
    // Without children: nobody would collect those that outlive it.
    const dumper = (name: string, ends: boolean) => {
      const lines = [
        'import os, signal',
        'def dump(*_):',
        `    open('${name}', 'w').close()`,
        ends ? '    os._exit(3)' : '',
        'signal.signal(signal.SIGUSR2, dump)',
        `open('${name}.listens', 'w').close()`,
        'while True: signal.pause()',
      ];
      return `/usr/bin/python3 ${folder.write(`${name}.py`, lines.join('\n'))}`;
    };
    const listens = (name: string) => eventually(() => assert.ok(existsSync(path(`${name}.listens`))));
    const watcher = add({ 'alive.dump': 'USR2', 'alive.dump_timeout': '60' }, dumper('dumped', true));
    await watcher.start().result;
    const [process] = watcher.processes;
    await listens('dumped');
    ill();
    assert.equal((await process!.ended).code, 3);
    assert.ok(existsSync(path('dumped')));
    well();
    const other = add({ 'alive.dump': 'SIGUSR2', 'alive.dump_timeout': '0.2' }, dumper('noted', false), {
      name: 'other',
    });
    await other.start().result;
    const [second] = other.processes;
    await listens('noted');
    ill();
    await second!.ended;
    assert.equal(second!.stopping!.by, 'plugin health');
    assert.ok(existsSync(path('noted')));
    well();
  });

  it('event: a process that falls silent is told of, and is well when it speaks again', async () => {
    const gate = path('gate');
    const words = `WATCHDOG=1 await:${gate} WATCHDOG=1 WATCHDOG_USEC=60000000`;
    const watcher = world().add(`/usr/bin/python3 ${program('notify.py')} READY=1 ${words}`, {
      'alive.notify': '0.3',
      'alive.action': 'event',
    });
    await watcher.start().result;
    await eventually(() => assert.equal(told('unhealthy'), 1));
    folder.write('gate', '');
    await eventually(() => assert.equal(told('healthy'), 1));
    assert.equal(watcher.processes[0]!.stopping, undefined);
  });
});
