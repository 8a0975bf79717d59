import assert from 'node:assert/strict';
import { CircusError, errorCodes, isError, reasonOf } from '../../core/errors.js';

describe('errors', () => {
  it('have a code of two nouns and a message that holds the facts', () => {
    for (const code of errorCodes) {
      assert.match(code, /^ERR(_[A-Z]+){2,3}$/);
      const error = new CircusError(code, ['one', 'two', 'three'] as never);
      assert.match(error.message, /one/);
    }
  });

  it('are told apart by their code, and keep their cause', () => {
    const cause = new Error('deep');
    const error: unknown = new CircusError('ERR_PROCESS_GONE', [7], { cause });
    assert.ok(isError(error, 'ERR_PROCESS_GONE') && error.cause === cause);
    assert.ok(!isError(error, 'ERR_PROCESS_CWD') && !isError(cause, 'ERR_PROCESS_GONE'));
    assert.equal(reasonOf(error), 'process 7 is gone');
    assert.equal(reasonOf('text'), 'text');
  });
});
