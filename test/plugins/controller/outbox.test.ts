import assert from 'node:assert/strict';
import { Outbox } from '#plugins/controller/outbox.js';

describe('the outbox', () => {
  it('sends one message at a time, in order, and callers do not wait', async () => {
    const sent: string[] = [];
    let under = 0;
    const outbox = new Outbox({
      async send([frame]) {
        assert.equal(++under, 1);
        await Promise.resolve();
        sent.push(String(frame));
        under--;
      },
    });
    for (const word of ['a', 'b', 'c']) outbox.put(word);
    assert.deepEqual(sent, []);
    await outbox.flushed();
    assert.deepEqual(sent, ['a', 'b', 'c']);
    outbox.put('d');
    await outbox.flushed();
    assert.equal(sent.at(-1), 'd');
    assert.equal(outbox.dropped, 0);
  });

  it('drops what can’t be sent, and goes on', async () => {
    const sent: string[] = [];
    const outbox = new Outbox({
      async send([frame]) {
        if (frame === 'b') throw new Error('Host unreachable');
        sent.push(String(frame));
      },
    });
    for (const word of ['a', 'b', 'c']) outbox.put(word);
    await outbox.flushed();
    assert.deepEqual([sent, outbox.dropped], [['a', 'c'], 1]);
  });

  it('holds no more than fifty thousand messages', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let sent = 0;
    const outbox = new Outbox({ send: () => held.then(() => void sent++) });
    for (let count = 0; count < 60_000; count++) outbox.put('x');
    assert.ok(outbox.dropped >= 9999);
    release();
    await outbox.flushed();
    assert.equal(sent + outbox.dropped, 60_000);
  });
});
