import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as facts from '../../../core/posix/process.js';
import { assertNothingLeft, watchLeftovers } from '../../support/leftovers.js';
import { see } from '../../support/proc.js';
import { temporaryPerTest } from '../../support/temporary.js';

describe('what the system tells about processes', () => {
  const temporary = temporaryPerTest();
  beforeEach(() => void watchLeftovers());
  afterEach(() => assertNothingLeft());

  it('is read right although a program has blanks and parentheses in its name', async () => {
    const name = 'a) R 1 (b';
    const child = spawn(temporary.write(name, '#!/bin/sh\necho; read line', 0o755), { env: { MARK: 'a=b' } });
    await once(child.stdout, 'data');
    const { pid = 0 } = child;
    const found = facts.factsOf(pid);
    assert.deepEqual([found?.pid, found?.parent, found?.zombie], [pid, process.pid, false]);
    assert.equal(found?.startTime, see(pid)?.startTime);
    assert.equal(facts.nameOf(pid), name);
    assert.equal(facts.variableOf(pid, 'MARK'), 'a=b');
    assert.equal(facts.variableOf(pid, 'MAR'), undefined);
    assert.ok(facts.lives(pid));
    assert.ok(facts.childrenOf(process.pid).includes(pid));
    child.stdin.end('\n');
    await once(child, 'close');
  });

  it('is nothing about a process that is gone', () => {
    const pid = 2 ** 22 + 1;
    assert.deepEqual(
      [facts.factsOf(pid), facts.nameOf(pid), facts.variableOf(pid, 'A')],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(facts.childrenOf(pid), []);
    assert.equal(facts.lives(pid), false);
  });
});
