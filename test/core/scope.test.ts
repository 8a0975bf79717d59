import assert from 'node:assert/strict';
import { isError } from '../../core/errors.js';
import { Scope } from '../../core/scope.js';

describe('a scope', () => {
  it('gives back in reverse order, awaiting each', async () => {
    const scope = new Scope('plugin');
    const order: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      scope.defer(async () => {
        await Promise.resolve();
        order.push(name);
      });
    }
    assert.deepEqual(await scope.close(), []);
    assert.deepEqual(order, ['third', 'second', 'first']);
  });

  it('gives back once, however often it is closed', async () => {
    const scope = new Scope('plugin');
    let calls = 0;
    scope.defer(() => calls++);
    assert.equal(scope.close(), scope.close());
    await scope.close();
    assert.equal(calls, 1);
  });

  it('collects what went wrong, and gives back the rest all the same', async () => {
    const scope = new Scope('plugin');
    let given = false;
    scope.defer(() => (given = true));
    scope.defer(() => Promise.reject(new Error('rejected')));
    scope.defer(() => {
      throw new Error('thrown');
    });
    const errors = await scope.close();
    assert.deepEqual(
      errors.map((error) => (error as Error).message),
      ['thrown', 'rejected'],
    );
    assert.ok(given);
  });

  it('aborts its signal before anything is given back', async () => {
    const scope = new Scope('plugin');
    const seen: boolean[] = [];
    scope.defer(() => seen.push(scope.signal.aborted));
    assert.equal(scope.signal.aborted, false);
    await scope.close();
    assert.deepEqual(seen, [true]);
    assert.ok(isError(scope.signal.reason, 'ERR_SCOPE_CLOSED'));
  });

  it('refuses more as soon as it is being closed, also from a listener of its signal', async () => {
    const scope = new Scope('plugin');
    const errors: unknown[] = [];
    scope.signal.addEventListener('abort', () => {
      try {
        scope.defer(() => undefined);
      } catch (error) {
        errors.push(error);
      }
    });
    const closing = scope.close();
    assert.equal(scope.active, false);
    assert.throws(() => scope.defer(() => undefined), { code: 'ERR_SCOPE_CLOSED', message: /"plugin" is closed/ });
    await closing;
    assert.equal(errors.length, 1);
  });
});
