import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Publisher } from 'zeromq';
import type { ClientError, EventOptions, WatcherEvent } from '../../../cli/client/index.js';
import { eventually } from '../../support/eventually.js';
import { temporaryPerTest } from '../../support/temporary.js';
import { client, closeAfterEach, closing, fakeDaemon } from './fake.js';

/** True as soon as it has come, false after a moment. */
const soon = (promise: Promise<unknown>) => Promise.race([promise.then(() => true), sleep(5, false)]);
const over = { done: true, value: undefined };

describe('the events of a client', () => {
  closeAfterEach();
  const folder = temporaryPerTest();
  const pubsub = () => `ipc://${folder.path}/events`;
  const endpoint = () => `ipc://${folder.path}/control`;

  async function publisher(): Promise<Publisher> {
    const socket = closing(new Publisher({ linger: 0, sendHighWaterMark: 0 }));
    await socket.bind(pubsub());
    return socket;
  }

  /** A publisher and events of it that arrive. */
  async function subscribed(options?: EventOptions) {
    const socket = await publisher();
    const events = client({ endpoint: endpoint(), pubsub: pubsub() }).events(options);
    await events.ready;
    // The subscription itself is a message to the publisher, which nobody confirms.
    const probe = closing(client({ endpoint: endpoint(), pubsub: pubsub() }).events({ topics: ['probe'] }));
    await probe.ready;
    const arrived = probe.next();
    await eventually(async () => {
      await socket.send(['probe', '{}']);
      return soon(arrived);
    });
    return { socket, events };
  }

  it('are what the topic and the facts say, with facts that nobody knows yet', async () => {
    const { socket, events } = await subscribed({ topics: ['watcher.', 'daemon'] });
    await socket.send([
      'watcher.my_web.v2.reap',
      '{"process_pid": 7, "time": 1.5, "exit_code": -9, "seq": 3, "boot": "b"}',
    ]);
    await socket.send(['watcher.a.b', 'no json']);
    await socket.send(['watcher.a.b', '[1]']);
    await socket.send('watcher.a.b');
    await socket.send(['daemon', '{"time": 2}']);
    const facts = { process_pid: 7, exit_code: -9, seq: 3, boot: 'b' };
    assert.deepEqual(await events.next(), {
      value: { ...facts, topic: 'watcher.my_web.v2.reap', watcher: 'my_web.v2', event: 'reap', time: 1.5, pid: 7 },
    });
    assert.deepEqual(await events.next(), { value: { topic: 'daemon', watcher: '', event: 'daemon', time: 2 } });
  });

  it('are those of one watcher, when it is named', async () => {
    const { socket, events } = await subscribed({ watcher: 'My Web' });
    for (const topic of ['watcher.my_web.api.start', 'watcher.my_webs.start', 'watcher.my_web.stop'])
      await socket.send([topic, '{"time": 1}']);
    assert.equal((await events.next()).value?.topic, 'watcher.my_web.stop');
  });

  it('are those of one watcher whose topics begin so, when both are said', async () => {
    const { socket, events } = await subscribed({ watcher: 'web', topics: ['watcher.web.s'] });
    for (const topic of ['watcher.web.kill', 'watcher.api.stop', 'watcher.web.stop'])
      await socket.send([topic, '{"time": 1}']);
    assert.equal((await events.next()).value?.topic, 'watcher.web.stop');
  });

  it('are dropped and counted when too many wait, the oldest first', async () => {
    const { socket, events } = await subscribed({ buffer: 3, topics: ['watcher.'] });
    for (let at = 1; at <= 10; at++) await socket.send(['watcher.a.b', `{"time": ${at}}`]);
    await eventually(() => events.dropped === 7);
    const times: number[] = [];
    for await (const { time } of events) if (times.push(time) === 3) break;
    assert.deepEqual(times, [8, 9, 10]);
    assert.deepEqual(await events.next(), over);
  });

  it('end with the signal, with the client, and with break, for all who wait', async () => {
    await publisher();
    const circus = client({ endpoint: endpoint(), pubsub: pubsub() });
    const controller = new AbortController();
    const [aborted, closed, returned] = [
      circus.events({ signal: controller.signal }),
      circus.events(),
      circus.events(),
    ];
    const waiting = [aborted, closed, closed, returned].map((events) => events.next());
    controller.abort();
    assert.deepEqual(await waiting[0], over);
    assert.deepEqual(await returned.return(), over);
    circus.close();
    assert.deepEqual(await Promise.all(waiting), [over, over, over, over]);
    await Promise.all([aborted.ready, closed.ready, returned.ready]);
    assert.deepEqual(await circus.events({ signal: controller.signal }).next(), over);
    await assert.rejects(circus.events().next(), { code: 'ERR_CLOSED' });
  });

  it('are found where the daemon says', async () => {
    await fakeDaemon(endpoint(), (request) => request.reply({ options: { pubsub_endpoint: pubsub() } }));
    const socket = await publisher();
    const events = client({ endpoint: endpoint() }).events();
    const first = events.next();
    await events.ready;
    await eventually(async () => {
      await socket.send(['watcher.a.b', '{"time": 1}']);
      return soon(first);
    });
  });

  it('fail once, when nobody says where they are, and are over then', async () => {
    const nobody = client({ endpoint: endpoint() }).events();
    await assert.rejects(nobody.next(), (error: ClientError) => error.code === 'ERR_UNREACHABLE');
    assert.deepEqual(await nobody.next(), over);

    const { requests } = await fakeDaemon(endpoint(), (request) => request.reply({ options: {} }));
    const untold = client({ endpoint: endpoint() }).events();
    await eventually(() => requests.length === 1);
    await untold.ready;
    await assert.rejects(async () => {
      for await (const _ of untold) assert.fail('there is none');
    }, /^ClientError: ipc:.* does not tell where it publishes events$/);
  });

  it('go on when the publisher was away', async () => {
    const { socket, events } = await subscribed({ topics: ['watcher.'] });
    socket.close();
    const again = await publisher();
    const next: Promise<IteratorResult<WatcherEvent, undefined>> = events.next();
    await eventually(async () => {
      await again.send(['watcher.a.back', '{"time": 1}']);
      return soon(next);
    });
    assert.equal((await next).value?.event, 'back');
  });
});
