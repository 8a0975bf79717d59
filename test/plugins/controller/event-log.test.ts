import assert from 'node:assert/strict';
import { EventLog, type Wish } from '#plugins/controller/event-log.js';

function make(boot = 'b1', state?: EventLog['state']) {
  const sent: (readonly string[])[] = [];
  const log = new EventLog(boot, { dropped: 3, put: (...frames) => void sent.push(frames) }, state);
  const ask = (wish: Partial<Wish>) => log.replay({ since: 0, limit: 10_000, ...wish });
  const fill = (count: number, topic = 'watcher.web.spawn') => {
    for (let at = 0; at < count; at++) log.add(topic, { at });
  };
  const numbers = (wish: Partial<Wish>) => ask(wish).events.map(({ seq }) => seq);
  return { log, sent, ask, fill, numbers };
}

describe('the log of events', () => {
  it('numbers what it publishes, whatever the event says of itself', () => {
    const { log, sent } = make();
    log.add('watcher.web.spawn', { process_pid: 7, time: 12 });
    log.add('daemon.x', { seq: 99, boot: 'no' });
    assert.deepEqual(sent[0], ['watcher.web.spawn', '{"time":12,"process_pid":7,"seq":1,"boot":"b1"}']);
    assert.match(sent[1]![1]!, /"seq":2,"boot":"b1"\}$/);
  });

  it('answers what came after a number, with topic and payload', () => {
    const { log, ask } = make();
    log.add('watcher.web.spawn', { process_pid: 7, time: 12 });
    log.add('watcher.web.note', { topic: 'mine', time: 13 });
    const events = [{ seq: 2, topic: 'watcher.web.note', time: 13 }];
    assert.deepEqual(ask({ since: 1 }), { boot: 'b1', events, next: 2, last: 2, missed: 0, dropped: 3 });
    assert.deepEqual(ask({ since: 2, boot: 'b1' }), {
      boot: 'b1',
      events: [],
      next: 2,
      last: 2,
      missed: 0,
      dropped: 3,
    });
  });

  it('tells how many are not kept any more', () => {
    const { ask, fill } = make();
    fill(25_003);
    const { events, next, missed } = ask({ since: 14_000 });
    assert.deepEqual(
      [events.length, events[0]!['seq'], events[0]!['at'], next, missed],
      [10_000, 15_004, 15_003, 25_003, 1003],
    );
    assert.equal(ask({ since: 15_003 }).missed, 0);
    assert.equal(ask({}).missed, 15_003);
  });

  it('keeps less of what is large', () => {
    const { log, ask } = make();
    const text = 'x'.repeat(1 << 20);
    for (let at = 0; at < 20; at++) log.add('watcher.web.note', { text });
    assert.deepEqual([ask({}).events.length, ask({}).missed], [7, 13]);
    log.add('watcher.web.note', { text: 'x'.repeat(9 << 20) });
    assert.deepEqual([ask({}).events.length, ask({}).missed, ask({}).next], [0, 21, 21]);
    log.add('watcher.web.note');
    assert.deepEqual([ask({}).events.length, ask({}).missed], [1, 21]);
  });

  it('cuts off at the limit, and goes on from there', () => {
    const { ask, fill, numbers } = make();
    fill(5);
    assert.deepEqual([numbers({ limit: 2 }), ask({ limit: 2 }).next], [[1, 2], 2]);
    assert.deepEqual([numbers({ since: 2, limit: 2 }), numbers({ since: 4, limit: 2 })], [[3, 4], [5]]);
  });

  it('chooses by watcher, also where names begin alike', () => {
    const { ask, fill, numbers } = make();
    fill(1, 'watcher.big_cat.spawn');
    fill(1, 'watcher.big_cat.b.spawn');
    fill(1, 'watcher.big.spawn');
    assert.deepEqual([numbers({ watchers: ['Big Cat'] }), numbers({ watchers: ['big cat.b', 'big'] })], [[1], [2, 3]]);
    assert.equal(ask({ watchers: ['Big Cat'] }).next, 3);
  });

  it('takes numbers of another run for none', () => {
    const { ask, fill } = make();
    fill(3);
    for (const wish of [{ since: 2, boot: 'b0' }, { since: 900 }, { since: 900, boot: 'b1' }]) {
      const { events, missed, next } = ask(wish);
      assert.deepEqual([events.length, missed, next], [3, null, 3]);
    }
  });

  it('goes on where it was when its plugin is reloaded, and begins anew in another run', () => {
    const { log, fill } = make();
    fill(10_010);
    const state = JSON.parse(JSON.stringify(log.state)) as EventLog['state'];
    const again = make('b1', state);
    again.fill(1);
    assert.deepEqual(again.numbers({ since: 10_008 }), [10_009, 10_010, 10_011]);
    assert.equal(again.ask({}).missed, 11);
    const other = make('b2', state);
    other.fill(1);
    assert.deepEqual(other.numbers({}), [1]);
  });
});
