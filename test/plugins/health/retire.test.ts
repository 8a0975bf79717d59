import assert from 'node:assert/strict';
import { get } from 'node:http';
import { readFileSync } from 'node:fs';
import health from '#plugins/health/index.js';
import { retirementIn } from '#plugins/health/retirement.js';
import { fencesOf } from '../../meta/markdown.js';
import { eventually } from '../../support/eventually.js';
import { inRoot } from '../../support/paths.js';
import { freePort } from '../../support/ports.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { daemonPerTest } from '../daemon.js';
import { program, worldPerTest } from './world.js';

const notify = `/usr/bin/python3 ${program('notify.py')}`;
const send = `${process.execPath} ${program('send-messages.mjs')}`;

describe('a process that retires', () => {
  const world = worldPerTest();
  const folder = temporaryPerTest();
  const told = (event: string) => world().published.filter(([, name]) => name === event);
  const plain = { notify: 'main', 'ready.notify': '0', 'ready.delay': '0' };

  it('is replaced by one that is ready first, once however often it asks', async () => {
    const asking = 'CIRCUS_RETIRE=1';
    const gate = `${folder.path}/gate$(circus.wid)`;
    const watcher = world().add(`${notify} await:${gate} "${asking}" "${asking}" "${asking}"`, {
      ...plain,
      'ready.exec': `test -e ${folder.path}/ok$(circus.wid)`,
      'ready.interval': '0.05',
    });
    folder.write('ok1', '');
    await watcher.start().result;
    const [old] = watcher.processes;
    folder.write('gate1', '');
    await eventually(() => assert.equal(watcher.processes.length, 2));
    assert.equal(told('retiring').length, 1);
    assert.deepEqual([old!.alive, old!.stopping], [true, undefined]);
    folder.write('ok2', '');
    const { why, by } = await old!.ended.then(() => old!.stopping!);
    assert.deepEqual([why, by], ['it retires', undefined]);
    await eventually(() => assert.equal(watcher.processes.length, 1));
    assert.equal(told('retiring').length, 1);
  });

  it('may say why, in a notice or in a message over Node’s channel', async () => {
    const gates = [`${folder.path}/a`, `${folder.path}/b`] as const;
    const reasoned = 'CIRCUS_RETIRE=1\nCIRCUS_RETIRE_REASON=1000 requests';
    const one = world().add(`${notify} await:${gates[0]} "${reasoned}"`, plain, { name: 'one' });
    const message = `'{"circus":"retire","reason":"enough"}'`;
    const two = world().add(`${send} await:${gates[1]} ${message}`, { ipc: '1', 'ready.delay': '0' }, { name: 'two' });
    await Promise.all([one.start().result, two.start().result]);
    const processes = [one.processes[0]!, two.processes[0]!];
    folder.write('a', '');
    folder.write('b', '');
    await Promise.all(processes.map(({ ended }) => ended));
    assert.deepEqual(
      processes.map(({ stopping }) => stopping?.why),
      ['it retires: 1000 requests', 'it retires: enough'],
    );
    await Promise.all([one.stop().result, two.stop().result]);
  });

  it('goes on where its successor fails, and is said so', async () => {
    const gate = `${folder.path}/gate`;
    const watcher = world().add(`${notify} await:${gate} CIRCUS_RETIRE=1`, {
      ...plain,
      'ready.delay': undefined,
      'ready.exec': `test ! -e ${gate}`,
      'ready.timeout': '0.3',
      'ready.interval': '0.1',
    });
    await watcher.start().result;
    const [old] = watcher.processes;
    folder.write('gate', '');
    await eventually(() =>
      assert.match(world().lines.join('\n'), /web: process \d+ could not be replaced \(it retires\)/),
    );
    assert.equal(old!.stopping, undefined);
    assert.match(world().explained(watcher), /It asked to be replaced\./);
    await world().host.reload('health', { plugin: health, options: {} });
    await eventually(() =>
      assert.equal(
        world()
          .lines.join('\n')
          .match(/could not be replaced/g)?.length,
        2,
      ),
    );
    assert.deepEqual(world().faults, []);
  });

  it('is not replaced before its time where it retires at its start, after the first one', async () => {
    const watcher = world().add(`${notify} CIRCUS_RETIRE=1`, plain);
    await watcher.start().result;
    await eventually(() => assert.equal(told('retiring').length, 2));
    const [second] = await eventually(() => {
      assert.equal(watcher.processes.length, 1);
      return watcher.processes;
    });
    await eventually(() => assert.ok(second!.age > 1000));
    assert.deepEqual([watcher.processes, second!.stopping], [[second], undefined]);
    assert.equal(told('retiring').length, 2);
  });

  it('is known by two messages, and by no other', () => {
    const all = [
      '"retire"',
      '{"circus":"retire","reason":"x"}',
      '{"circus":"retire"}',
      '"retired"',
      '{"circus":"x"}',
      'retire',
      '{"a":"retire"}',
      'null',
    ];
    assert.deepEqual(all.map(retirementIn), ['', 'x', '', undefined, undefined, undefined, undefined, undefined]);
  });
});

describe('the programs of the guide that retire', () => {
  const start = daemonPerTest();
  const files = new Map(
    fencesOf(readFileSync(inRoot('docs', 'guides', 'health.md'), 'utf8')).flatMap(({ info, text }) => {
      const [, name] = info.split(' ');
      return name === undefined ? [] : [[name, text] as const];
    }),
  );
  const common = 'ready_after = 0\nenv.MAX_REQUESTS = 3\ncopy_env = 1\n';

  it('are one in Node and one in Python, and are replaced after so many requests', async () => {
    assert.deepEqual([...files.keys()], ['retire.mjs', 'retire.py']);
    const port = await freePort();
    const daemon = await start(
      [
        `[watcher:hello]\ncmd = ${process.execPath} retire.mjs\nipc = 1\nready.tcp = 127.0.0.1:${port}\nsingleton = 1\nenv.PORT = ${port}\n${common.replace('ready_after = 0\n', '')}`,
        `[watcher:worker]\ncmd = /usr/bin/python3 retire.py\nnotify = main\nready.notify = 0\n${common}`,
      ].join('\n'),
      { files: Object.fromEntries(files) },
    );
    const ask = () =>
      new Promise<string>((resolve) => {
        get({ host: '127.0.0.1', port, agent: false }, (response) => {
          response.resume().once('end', () => resolve('answered'));
        }).once('error', ({ message }) => resolve(message));
      });
    await eventually(async () => assert.equal(await ask(), 'answered'));
    const reasons = async (name: string) =>
      ((await daemon.json('history', name)) as { readonly exits: readonly { readonly reason: string }[] }).exits.map(
        ({ reason }) => reason,
      );
    await eventually(async () => {
      await ask();
      assert.match((await reasons('hello'))[0] ?? '', /^it retires: \d+ requests$/);
      assert.match((await reasons('worker'))[0] ?? '', /^it retires: \d+ jobs$/);
    });
  });
});
