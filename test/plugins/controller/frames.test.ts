import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { Circusd } from '../../support/circusd.js';
import { eventually } from '../../support/eventually.js';
import { closeClients, connect, type Client } from '../client.js';
import { daemonPerTest } from '../daemon.js';

const full = process.env['CIRCUSD_FULL'] === '1';
const mutations = full ? 100_000 : 4000;
const inFlight = 10_000;

const ini = '[watcher:web]\ncmd = sleep 600\nnumprocesses = 2\n[watcher:rest]\ncmd = sleep 600\nautostart = False\n';

/** Numbers that are the same in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const commands = [
  ...['list', 'status', 'stats', 'options', 'get', 'set', 'incr', 'decr', 'signal', 'kill', 'numprocesses', 'job'],
  ...['add', 'start', 'stop', 'reload', 'jobs', 'wait', 'cancel', 'globaloptions', 'listsockets', 'dstats', 'LIST'],
];
const names: readonly unknown[] = ['rest', 'nobody', '', '*', '\0', '..', 'x'.repeat(5000), null, 5, [], {}, true];
const values: readonly unknown[] = [
  ...[0, -1, 1e308, -1e308, 1.5, 2 ** 53, '', 'x', '9'.repeat(400), null, true, [], {}, [[[]]], { a: { b: {} } }],
  ...['__proto__', 'constructor', '\u0000', '\ud800', '🙂', { __proto__: 1 }, [1, 'a', null], 'NaN', -0],
];
const keys = [
  'name',
  'options',
  'keys',
  'nb',
  'pid',
  'signum',
  'match',
  'process',
  'option',
  'id',
  'cmd',
  'args',
  '__proto__',
];

/** One message: a request of any kind, whole or spoiled. */
function frameFrom(random: (below: number) => number): readonly Buffer[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const nested = (depth: number): string => `${'[{"a":'.repeat(depth)}1${'}]'.repeat(depth)}`;
  const bytes = () => Buffer.from(Array.from({ length: random(200) }, () => random(256)));
  const properties = Object.fromEntries(Array.from({ length: random(4) }, () => [pick(keys), pick(values)]));
  const request = {
    command: random(20) === 0 ? pick(values) : pick(commands),
    ...(random(10) === 0 ? {} : { id: pick(values) }),
    ...(random(10) === 0 ? {} : { properties: random(8) === 0 ? pick(values) : { ...properties, name: pick(names) } }),
    ...(random(6) === 0 ? { msg_type: pick(['cast', 5, null]) } : {}),
  };
  const text = Buffer.from(JSON.stringify(request));
  switch (random(8)) {
    case 0:
      return [bytes()];
    case 1:
      return [text.subarray(0, random(text.length + 1))];
    case 2:
      return [Buffer.from(`{"command": "list", "id": 1, "properties": ${nested(1 + random(3000))}}`)];
    case 3:
      return Array.from({ length: 2 + random(6) }, () => pick([bytes(), text, Buffer.alloc(0)]));
    case 4: {
      const spoiled = Buffer.from(text);
      spoiled[random(spoiled.length)] = random(256);
      return [spoiled];
    }
    default:
      return [text];
  }
}

const memory = ({ pid }: Circusd) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024;
const descriptors = ({ pid }: Circusd) => readdirSync(`/proc/${pid}/fd`).length;

describe('the controller under odd messages', () => {
  const start = daemonPerTest();
  closeClients();

  it(`outlives ${mutations} of them, and answers every sound one between`, async function () {
    this.timeout(full ? 300_000 : 60_000);
    const daemon = await start(ini);
    const sound = connect(daemon);
    const random = randomFrom(20_261_124);
    let odd: Client = connect(daemon);
    let before = 0;
    for (let count = 0; count < mutations; count++) {
      await odd.send(...frameFrom(random));
      if (count % 200 !== 0) continue;
      assert.deepEqual((await sound.ask('list', { name: 'web' }))['status'], 'ok');
      // The answers to the others are not read: they go with their client.
      odd.close();
      odd = connect(daemon);
      if (count === mutations / 2) before = memory(daemon);
    }
    await eventually(async () => assert.equal((await sound.ask('numwatchers'))['status'], 'ok'));
    assert.ok(daemon.running);
    assert.ok(memory(daemon) < before + 40, `${before} MiB, then ${memory(daemon)} MiB`);
    assert.doesNotMatch(daemon.log, /uncaught|unhandled|plugin controller failed/);
  });

  it(`answers ${inFlight} requests that are under way together, and gives the memory back`, async () => {
    const daemon = await start(ini);
    const client = connect(daemon);
    // What the daemon does once after its start is over then.
    await client.ask('reload', { name: 'web', waiting: true });
    const waiter = await client.begin('restart', { name: 'web', waiting: true });
    const open = descriptors(daemon);
    const ids: string[] = [];
    for (let count = 0; count < inFlight; count++) ids.push(await client.begin('numprocesses', { name: 'web' }));
    for (const id of ids) assert.equal((await client.answer(id))['status'], 'ok');
    assert.equal((await client.answer(waiter))['status'], 'ok');
    await eventually(() => assert.ok(descriptors(daemon) <= open, `${descriptors(daemon)} after ${open}`));
  });

  it('tells of a request that is too large, and answers the next', async () => {
    const daemon = await start(ini);
    const client = connect(daemon);
    const padded = (size: number) => {
      const request = { id: 'big', command: 'list', properties: { padding: '' } };
      request.properties.padding = 'x'.repeat(size - JSON.stringify(request).length);
      return JSON.stringify(request);
    };
    await client.send(padded(2 ** 20));
    assert.equal((await client.answer('big'))['status'], 'ok');
    await client.send(padded(2 ** 20 + 1));
    const { errno, reason, id } = await client.receive();
    assert.deepEqual([errno, reason, id], [3, 'the request is larger than 1048576 bytes', null]);
    assert.equal((await client.ask('numwatchers'))['numwatchers'], 2);
  });
});
