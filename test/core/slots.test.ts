import assert from 'node:assert/strict';
import type { Process } from '../../core/process.js';
import { retryAfter, Slots, type Slot } from '../../core/slots.js';
import { FakeClock } from '../support/clock.js';

let begun = 0;
/** As much of a process as slots look at. */
const fake = (wid: number) => ({ wid, begun: ++begun, alive: true, stopping: undefined }) as unknown as Process;

function fill(slots: Slots, wanted: number): Slot[] {
  const filled: Slot[] = [];
  for (let slot = slots.missing(wanted); slot; slot = slots.missing(wanted)) {
    slot.process = fake(slot.wid);
    filled.push(slot);
  }
  return filled;
}

const widsOf = (processes: readonly Process[]) => processes.map(({ wid }) => wid);

describe('slots', () => {
  it('give the lowest free numbers, as many as wanted', () => {
    const slots = new Slots();
    const filled = fill(slots, 3);
    assert.deepEqual(widsOf(slots.processes), [1, 2, 3]);
    filled[1]!.process = undefined;
    assert.equal(slots.missing(3)?.wid, 2);
  });

  it('tell processes oldest first', () => {
    const slots = new Slots();
    const [first] = fill(slots, 3);
    first!.process = fake(1);
    assert.deepEqual(widsOf(slots.processes), [2, 3, 1]);
  });

  it('keep the place of a process that ended until it was decided what follows', () => {
    const slots = new Slots();
    const [slot] = fill(slots, 1);
    Object.assign(slot!.process!, { alive: false });
    assert.equal(slots.missing(1), undefined);
    assert.deepEqual(slots.processes, []);
    slot!.process = undefined;
    assert.equal(slots.missing(1)?.wid, 1);
  });

  it('want another in place of one that is being stopped, unless its place is spoken for', () => {
    const slots = new Slots();
    const [slot] = fill(slots, 1);
    Object.assign(slot!.process!, { stopping: {} });
    slot!.busy = 1;
    assert.equal(slots.missing(1), undefined);
    slot!.busy = 0;
    assert.equal(slots.missing(1)?.wid, 2);
    assert.deepEqual(slots.serving, []);
  });

  it('count neither a successor, nor let it serve, before it is ready', () => {
    const slots = new Slots();
    const [slot] = fill(slots, 2);
    const successor = slots.extra();
    successor.replaces = slot!.process;
    successor.process = fake(successor.wid);
    assert.deepEqual([successor.wid, widsOf(slots.serving), slots.missing(2)], [3, [1, 2], undefined]);
    assert.equal(slots.successorOf(slot!.process!), successor);
    assert.equal(slots.missing(3)?.wid, 4);
    successor.extra = false;
    assert.equal(slots.missing(3), undefined);
  });

  it('keep the attempts of a number that is free again', () => {
    const slots = new Slots();
    const slot = slots.missing(1)!;
    slot.attempts = { quick: 2, failed: 1 };
    slot.startedAt = 5;
    const again = slots.missing(1)!;
    assert.deepEqual([again.attempts, again.startedAt], [{ quick: 2, failed: 1 }, 5]);
  });

  it('drop timed attempts and verdicts beyond the number wanted, highest first, but no process', () => {
    const slots = new Slots();
    const [, second, third, fourth] = fill(slots, 4);
    let cancelled = 0;
    second!.process = fourth!.process = undefined;
    second!.retry = { at: 1, reason: 'second', cancel: () => cancelled++, hurry: () => undefined };
    fourth!.done = 'gave-up';
    slots.tidy(3);
    assert.deepEqual([slots.outcome, slots.retries.length, cancelled], [undefined, 1, 0]);
    slots.tidy(2);
    assert.deepEqual([slots.retries.length, cancelled, slots.of(third!.process!)], [0, 1, third]);
    assert.equal(slots.missing(2), undefined);
  });

  it('make a timed attempt when it is due, or hurried, and once only', async () => {
    const slots = new Slots();
    const clock = new FakeClock();
    const slot = slots.missing(1)!;
    let made = 0;
    const time = () => retryAfter(1000, slot, 'it failed', clock, () => made++);
    time();
    assert.equal(slots.retries[0]?.at, clock.now() + 1000);
    await clock.advance(1000);
    assert.deepEqual([made, slots.retries], [1, []]);
    time();
    for (const retry of slots.retries) retry.hurry();
    assert.deepEqual([made, slots.retries, clock.pending], [2, [], []]);
  });

  it('forget pauses, verdicts and failures when all begins anew', () => {
    const slots = new Slots();
    const [one, two] = [slots.missing(2)!, undefined];
    one.done = 'completed';
    const other = two ?? slots.missing(2)!;
    let cancelled = false;
    other.retry = { at: 7, reason: 'it failed', cancel: () => (cancelled = true), hurry: () => undefined };
    other.attempts = { quick: 9, failed: 9 };
    assert.deepEqual(
      slots.retries.map(({ wid, at, reason }) => [wid, at, reason]),
      [[2, 7, 'it failed']],
    );
    assert.deepEqual([slots.pending, slots.outcome], [true, 'completed']);
    slots.reset();
    assert.deepEqual([slots.pending, slots.outcome, cancelled], [false, undefined, true]);
    assert.equal(slots.missing(2)?.attempts.quick, 0);
  });

  it('say that they were given up when one was', () => {
    const slots = new Slots();
    slots.missing(2)!.done = 'completed';
    slots.missing(2)!.done = 'gave-up';
    assert.equal(slots.outcome, 'gave-up');
  });
});
