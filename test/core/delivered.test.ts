import assert from 'node:assert/strict';
import { HookBoard } from '../../core/board.js';
import { systemClock } from '../../core/clock.js';
import { Scope } from '../../core/scope.js';
import { Child, leaveNothing } from './child.js';

describe('a signal to a process', () => {
  leaveNothing();

  it('is told of, sent or kept back', async () => {
    const board = new HookBoard(systemClock);
    const told: string[] = [];
    const { beforeSignal, delivered } = board.view(new Scope('test'));
    beforeSignal.tap('test', (_process, signal) => (signal === 12 ? false : undefined));
    delivered.tap('test', (_process, signal, sent) => void told.push(`${signal} ${sent}`));
    const child = new Child(['sh', '-c', 'trap "" USR1 TERM; echo; while :; do sleep 0.01; done'], { board });
    await child.lines(1);
    assert.deepEqual([await child.process.signal(10), await child.process.signal(12)], [true, false]);
    await child.process.stop({ signal: 15, grace: 50, children: false, reason: 'stopped' });
    assert.equal(await child.process.signal(10), false);
    assert.deepEqual(told, ['10 true', '12 false', '15 true', '9 true', '10 false']);
  });
});
