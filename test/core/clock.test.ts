import assert from 'node:assert/strict';
import { abortable, breathe, sleep, systemClock } from '../../core/clock.js';
import { FakeClock } from '../support/clock.js';

describe('the clock of the machine', () => {
  it('tells wall time and time that never jumps', () => {
    assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
    const before = systemClock.monotonic();
    assert.ok(systemClock.monotonic() >= before);
  });

  it('calls back once, and not when it was called off', async () => {
    let calls = 0;
    systemClock.after(1, () => calls++);
    const cancel = systemClock.after(1, () => (calls += 100));
    cancel();
    await new Promise<void>((resolve) => systemClock.after(20, resolve));
    assert.equal(calls, 1);
  });

  it('takes a negative delay for none, and does not end a wait early that is longer than a timer can be', async () => {
    await new Promise<void>((resolve) => systemClock.after(-5, resolve));
    let fired = false;
    const cancel = systemClock.after(2 ** 40, () => (fired = true));
    await new Promise<void>((resolve) => systemClock.after(20, resolve));
    cancel();
    assert.equal(fired, false);
  });
});

describe('sleep', () => {
  it('ends when its time has come', async () => {
    const clock = new FakeClock();
    let awake = false;
    void sleep(clock, 100).then(() => (awake = true));
    await clock.advance(99);
    assert.equal(awake, false);
    await clock.advance(1);
    await breathe();
    assert.equal(awake, true);
  });

  it('ends early, without an error and without a timer left, when its signal is aborted', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 100, controller.signal);
    assert.deepEqual(clock.pending, [100]);
    controller.abort();
    await sleeping;
    assert.deepEqual(clock.pending, []);
    await sleep(clock, 100, controller.signal);
    assert.deepEqual(clock.pending, []);
  });
});

describe('abortable', () => {
  it('gives the outcome when there is no abort', async () => {
    assert.equal(await abortable(Promise.resolve(1), undefined), 1);
    assert.equal(await abortable(Promise.resolve(1), new AbortController().signal), 1);
    await assert.rejects(abortable(Promise.reject(new Error('no')), new AbortController().signal), /no/);
  });

  it('rejects with the reason of the signal as soon as it is aborted', async () => {
    const controller = new AbortController();
    const waiting = abortable(new Promise(() => undefined), controller.signal);
    controller.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    await assert.rejects(abortable(Promise.resolve(1), controller.signal), /enough/);
  });

  it('leaves no rejection unhandled when the promise fails after the abort', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const failing = breathe().then(() => Promise.reject(new Error('late')));
    await assert.rejects(abortable(failing, AbortSignal.abort(new Error('enough'))), /enough/);
    for (let turn = 0; turn < 5; turn++) await breathe();
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });
});
