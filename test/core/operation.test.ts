import assert from 'node:assert/strict';
import { isError } from '../../core/errors.js';
import { Operation, OperationQueue, type Report } from '../../core/operation.js';
import { flush } from '../support/clock.js';

const report: Report = { started: [1], stopped: [], kept: [] };

/** An operation with the states that it told. */
function make(changed: (operation: Operation) => void = () => undefined) {
  const states: string[] = [];
  const operation = new Operation('start', 'web', 'operator', (changing) => {
    states.push(changing.state);
    changed(changing);
  });
  return { operation, states };
}

describe('an operation', () => {
  it('is queued, runs, and is done with the report of its work', async () => {
    const { operation, states } = make();
    await operation.run(async () => report);
    assert.equal(await operation.result, report);
    assert.deepEqual(states, ['queued', 'running', 'done']);
    assert.equal(operation.signal.aborted, false);
  });

  it('fails with the error of its work, and keeps its words', async () => {
    const { operation, states } = make();
    await operation.run(() => Promise.reject(new Error('no luck')));
    await assert.rejects(operation.result, /no luck/);
    assert.equal(operation.reason, 'no luck');
    assert.deepEqual(states, ['queued', 'running', 'failed']);
  });

  it('tells its progress, but not once it has settled', async () => {
    const { operation, states } = make();
    await operation.run(async (running) => {
      running.advance(1, 2);
      return report;
    });
    operation.advance(2, 2);
    assert.deepEqual(states, ['queued', 'running', 'running', 'done']);
  });

  it('settles once, whatever is asked of it later', async () => {
    const { operation, states } = make();
    await operation.run(async () => report);
    operation.cancel('somebody');
    await operation.run(() => Promise.reject(new Error('again')));
    assert.equal(operation.state, 'done');
    assert.equal(states.length, 3);
    assert.equal(await operation.result, report);
  });

  it('that was cancelled rejects at once and says by whom; its work sees the signal', async () => {
    const { operation, states } = make();
    const running = operation.run(() => new Promise(() => undefined));
    operation.cancel('operator');
    await assert.rejects(operation.result, {
      code: 'ERR_OPERATION_CANCELLED',
      message: 'start of "web" was cancelled: operator',
    });
    assert.ok(isError(operation.signal.reason, 'ERR_OPERATION_CANCELLED'));
    await running;
    assert.deepEqual(states, ['queued', 'running', 'cancelled']);
  });

  it('does no work when it was cancelled before its turn, or by whoever is told of its turn', async () => {
    const early = make();
    early.operation.cancel('operator');
    const prompt = make((operation) => operation.state === 'running' && operation.cancel('operator'));
    for (const { operation } of [early, prompt]) {
      await operation.run(() => assert.fail('it worked'));
      assert.equal(operation.state, 'cancelled');
    }
  });

  it('whose result nobody looks at leaves no rejection unhandled', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    await make().operation.run(() => Promise.reject(new Error('unseen')));
    const { operation } = make();
    const running = operation.run(async () => {
      await flush();
      throw new Error('after the cancel');
    });
    operation.cancel('operator');
    await running;
    await flush();
    await flush();
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
});

describe('the queue of operations', () => {
  it('runs one at a time, in order', async () => {
    const queue = new OperationQueue();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`+${name}`);
      await flush();
      log.push(`-${name}`);
      return report;
    };
    const operations = ['a', 'b', 'c'].map((name) => queue.add(make().operation, work(name)));
    assert.deepEqual(queue.operations, operations);
    await Promise.all(operations.map(({ result }) => result));
    assert.deepEqual(log, ['+a', '-a', '+b', '-b', '+c', '-c']);
    await flush();
    assert.deepEqual(queue.operations, []);
  });

  it('goes on after a failure', async () => {
    const queue = new OperationQueue();
    queue.add(make().operation, () => Promise.reject(new Error('no')));
    assert.equal(await queue.add(make().operation, async () => report).result, report);
  });

  it('is not held up by cancelled work that never ends, and lets it notice before the next begins', async () => {
    const queue = new OperationQueue();
    const log: string[] = [];
    const stuck = queue.add(make().operation, async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      log.push('noticed');
      return new Promise(() => undefined);
    });
    const following = queue.add(make().operation, async () => {
      log.push('next');
      return report;
    });
    await flush();
    stuck.cancel('operator');
    await following.result;
    assert.deepEqual(log, ['noticed', 'next']);
  });

  it('skips what was cancelled while it waited, and clears all', async () => {
    const queue = new OperationQueue();
    const running = queue.add(make().operation, () => new Promise(() => undefined));
    const waiting = queue.add(make().operation, () => assert.fail('it worked'));
    queue.clear('stop');
    assert.deepEqual([running.state, waiting.state], ['cancelled', 'cancelled']);
    assert.equal(await queue.add(make().operation, async () => report).result, report);
  });
});
