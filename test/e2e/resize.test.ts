/** `numprocesses` goes up to 200 and down again while clients come at a fixed rate: nobody notices. */
import assert from 'node:assert/strict';
import { circusdPerTest } from '../support/circusd.js';
import { eventually } from '../support/eventually.js';
import { fixture } from '../support/paths.js';
import { freePort } from '../support/ports.js';
import { differentAnswers, sendRequests } from './load.js';

const most = 200;
/** How many come or go at once. */
const step = 40;

describe('changes of numprocesses under load', function () {
  this.timeout(120_000);
  const start = circusdPerTest();

  it(`from 1 to ${most} and back drop no request, and touch no process that stays`, async () => {
    const port = await freePort();
    const ini = `
[watcher:web]
cmd = ${fixture('finish-requests.py')} $(circus.sockets.web)
sockets = web
[socket:web]
host = 127.0.0.1
port = ${port}
`;
    const daemon = await start(ini, { ready: ({ log }) => log.includes('web started') });
    const resize = async (...words: readonly string[]) => {
      const { code, stderr } = await daemon.ctl(...words, '--waiting');
      assert.equal(code, 0, stderr);
    };
    await differentAnswers(port, 1);
    const load = sendRequests(port, 40);
    await eventually(() => load.answered > 10);

    let before = await daemon.pids('web');
    for (let count = 1; count < most;) {
      const more = Math.min(step, most - count);
      count += more;
      await resize('incr', 'web', String(more));
      const now = await daemon.pids('web');
      assert.equal(now.length, count);
      assert.deepEqual(
        before.filter((pid) => !now.includes(pid)),
        [],
        'nobody who was there has gone',
      );
      before = now;
    }
    for (let count = most; count > 1;) {
      const fewer = Math.min(step, count - 1);
      count -= fewer;
      await resize('decr', 'web', String(fewer));
      const now = await daemon.pids('web');
      assert.equal(now.length, count);
      assert.deepEqual(
        now.filter((pid) => !before.includes(pid)),
        [],
        'nobody new has come',
      );
      before = now;
    }
    await resize('set', 'web', 'numprocesses', '5');
    const five = await daemon.pids('web');
    assert.deepEqual([five.length, five.includes(before[0]!)], [5, true]);
    await differentAnswers(port, 5);

    const { sent, answers, refused, cut, failures } = await load.stop();
    assert.deepEqual({ refused, cut, failures }, { refused: 0, cut: 0, failures: [] });
    assert.equal(
      [...answers.values()].reduce((sum, count) => sum + count, 0),
      sent,
    );
    // None was killed, and none ended by itself.
    const { exits } = (await daemon.json('history', 'web')) as {
      readonly exits: readonly { readonly reason: string }[];
    };
    assert.deepEqual([...new Set(exits.map(({ reason }) => reason))], ['resized']);
  });
});
