import assert from 'node:assert/strict';
import type { Watcher } from '#core';
import { Lookout } from '#plugins/dependencies/lookout.js';
import type { Outside } from '#plugins/dependencies/outside.js';
import { FakeClock, flush } from '../../support/clock.js';

describe('looking out for what is outside', () => {
  const web = { name: 'web' } as Watcher;
  const api = { name: 'api' } as Watcher;
  const world = () => {
    const clock = new FakeClock();
    const closed = new AbortController();
    const told: string[] = [];
    const asked: number[] = [];
    let answer: () => Promise<string | undefined> = async () => 'takes no connection';
    const outside: Outside = {
      text: 'tcp://db:1',
      probe: () => {
        asked.push(clock.monotonic());
        return answer();
      },
    };
    const lookout = new Lookout(clock, closed.signal, ({ name }) => void told.push(name));
    const say = (now: typeof answer) => (answer = now);
    return { clock, closed, told, asked, outside, lookout, say };
  };

  it('asks with growing pauses while somebody waits', async () => {
    const { clock, asked, outside, lookout, closed } = world();
    lookout.await(web, outside);
    for (let at = 0; at < 600; at++) await clock.advance(100);
    const pauses = asked.slice(1).map((time, at) => time - asked[at]!);
    assert.ok(pauses[0]! <= 200 && pauses.every((pause, at) => at === 0 || pause + 100 >= pauses[at - 1]!));
    assert.ok(pauses.at(-1)! >= 5000 && asked.length < 25, `${pauses}`);
    assert.deepEqual(lookout.finding(outside)?.how, 'takes no connection');
    closed.abort();
    await flush();
    assert.deepEqual(clock.pending, []);
  });

  it('goes on asking when a question fails, and tells why', async () => {
    const { clock, asked, outside, lookout, closed, say } = world();
    say(async () => {
      throw new Error('no such luck');
    });
    lookout.await(web, outside);
    await clock.advance(500);
    assert.ok(asked.length > 1);
    assert.equal(lookout.finding(outside)?.how, "can't be asked: no such luck");
    closed.abort();
    await flush();
  });

  it('leaves it alone once it is there, and when nobody waits any more', async () => {
    const { clock, told, asked, outside, lookout, say } = world();
    lookout.await(web, outside);
    lookout.await(api, outside);
    await flush();
    told.length = 0;
    say(async () => undefined);
    await clock.advance(200);
    assert.deepEqual(told, ['web', 'api']);
    assert.ok(lookout.isThere(outside));
    assert.deepEqual(clock.pending, []);
    await clock.advance(2000);
    assert.ok(!lookout.isThere(outside));
    lookout.release(web);
    lookout.release(api);
    say(async () => 'is not there');
    lookout.await(web, outside);
    await flush();
    lookout.release(web);
    await flush();
    const before = asked.length;
    await clock.advance(60_000);
    assert.equal(asked.length, before);
    assert.deepEqual(clock.pending, []);
  });

  it('asks at once for one who begins to wait in a long pause', async () => {
    const { clock, asked, outside, lookout, closed } = world();
    lookout.await(web, outside);
    for (let at = 0; at < 300; at++) await clock.advance(100);
    const before = asked.length;
    lookout.await(api, outside);
    await flush();
    assert.equal(asked.length, before + 1);
    closed.abort();
    await flush();
  });

  it('does not wait for an answer for ever', async () => {
    const { clock, outside, lookout, say, closed } = world();
    say(() => new Promise(() => undefined));
    lookout.await(web, outside);
    await clock.advance(10_000);
    assert.equal(lookout.finding(outside)?.how, 'does not answer within 10 s');
    closed.abort();
    await flush();
  });

  it('knows who has waited for long enough for what is only wanted', async () => {
    const { clock, outside, lookout, closed } = world();
    lookout.await(web, outside);
    await clock.advance(29_000);
    assert.ok(!lookout.isOverdue(web, outside));
    await clock.advance(2000);
    assert.ok(lookout.isOverdue(web, outside));
    assert.ok(!lookout.isOverdue(api, outside));
    closed.abort();
    await flush();
  });
});
